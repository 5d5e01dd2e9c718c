/**
 * @module
 * Records how many clients are attached to each output, in one file per output. After an engine was killed, the next
 * one delays these outputs until the clients have attached again, so that they miss nothing.
 */
import { toTsdError } from "../../errors.ts";
import type { Log } from "../../log.ts";
import type { AttachedOutput } from "./reattach.ts";

/** The attach counts of all outputs. The methods don't throw: an output without a recorded count doesn't wait. */
export class AttachCounts {
  readonly #dir: string;
  readonly #log: Log;

  /** @param dir a directory that only this engine uses and that doesn't survive a reboot */
  constructor(dir: string, log: Log) {
    this.#dir = dir;
    this.#log = log;
  }

  /** Records the number of clients that are attached to an output. */
  set(key: string, listeners: number): void {
    const path = `${this.#dir}/${key}`;
    this.#ignoringErrors(() => listeners > 0 ? Deno.writeTextFileSync(path, String(listeners)) : Deno.removeSync(path));
  }

  /**
   * Returns the counts that the previous engine recorded. They remain until they are overwritten. To be called before
   * the first {@link AttachCounts.set}.
   */
  readAll(): AttachedOutput[] {
    const found: AttachedOutput[] = [];
    this.#ignoringErrors(() => {
      for (const { name } of Deno.readDirSync(this.#dir)) {
        // The engine may have been killed between creating and writing the file.
        const listeners = Number(Deno.readTextFileSync(`${this.#dir}/${name}`)) || 1;
        found.push({ key: name, listeners, seen: {} });
      }
    });
    this.#ignoringErrors(() => Deno.mkdirSync(this.#dir, { recursive: true, mode: 0o700 }));
    return found;
  }

  #ignoringErrors(change: () => void): void {
    try {
      change();
    } catch (thrown) {
      if (thrown instanceof Deno.errors.NotFound) return;
      this.#log.debug("who is attached isn't kept", { error: toTsdError(thrown).message });
    }
  }
}
