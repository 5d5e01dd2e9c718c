/** Streams of tasks that are not started yet: clients that attach to a container before its start attach to these. */
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

  /** Forgets the streams of a container whose start has succeeded or failed: its next task gets new ones. */
  taken({ id }: Container): void {
    this.#next.delete(id);
  }

  /** Closes the streams of a container that will not be started. */
  async discard(container: Container): Promise<void> {
    await this.#next.get(container.id)?.discard();
    this.taken(container);
  }
}
