/** The execs that can be asked for: those that were made, that run, and that ended a while ago. */
import { TsdError } from "../../errors.ts";
import type { Container } from "../model/container.ts";
import type { Exec } from "./exec.ts";

/** How long an ended exec can be inspected, in ms; Docker's is five minutes too. */
const REMEMBER_MS = 300_000;

export class ExecRecords {
  readonly #execs = new Map<string, Exec>();

  get all(): readonly Exec[] {
    return [...this.#execs.values()];
  }

  add(exec: Exec): void {
    this.#execs.set(exec.id, exec);
  }

  /** @throws {TsdError} exec_not_found */
  find(id: string): Exec {
    const exec = this.#execs.get(id);
    if (exec === undefined) throw new TsdError("exec_not_found", `No such exec instance: ${id}`);
    return exec;
  }

  remove({ id }: Exec): void {
    this.#execs.delete(id);
  }

  /** It has ended. Its streams, which are most of it, nobody needs any more. */
  removeLater(exec: Exec): void {
    exec.io = undefined;
    const { id } = exec;
    Deno.unrefTimer(setTimeout(() => this.#execs.delete(id), REMEMBER_MS));
  }

  /** The container is gone: what was made in it and not started never will be. */
  removeUnstarted(container: Container): void {
    for (const exec of this.#execs.values()) {
      if (exec.container === container && exec.status === "created") this.remove(exec);
    }
  }
}
