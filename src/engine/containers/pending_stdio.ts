/** Streams of runs that have not begun: whoever attaches to a container before its start attaches to these. */
import type { ProcessStdio } from "../../runtime/stdio.ts";
import type { Container } from "../model/container.ts";

export class PendingStdio {
  readonly #next = new Map<string, ProcessStdio>();
  readonly #newIo: (container: Container) => ProcessStdio;

  constructor(newIo: (container: Container) => ProcessStdio) {
    this.#newIo = newIo;
  }

  of(container: Container): ProcessStdio {
    let io = this.#next.get(container.id);
    if (io === undefined) this.#next.set(container.id, io = this.#newIo(container));
    return io;
  }

  /** The run has begun, or came to nothing: the next one gets others. */
  taken({ id }: Container): void {
    this.#next.delete(id);
  }

  /** There will be no run. */
  async discard(container: Container): Promise<void> {
    await this.#next.get(container.id)?.discard();
    this.taken(container);
  }
}
