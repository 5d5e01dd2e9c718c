/**
 * @module
 * How many are attached to each output, in a file for each: when an engine was killed, the next one lets these outputs
 * wait until they are back, who would miss what comes until then.
 */
import { toTsdError } from "../../errors.ts";
import type { Log } from "../../log.ts";
import type { AttachedOutput } from "./reattach.ts";

/** See the module's comment. Nothing here throws: without its mark an output just doesn't wait. */
export class AttachCounts {
  readonly #dir: string;
  readonly #log: Log;

  /** `folder` is the engine's own, and emptied by a boot. */
  constructor(dir: string, log: Log) {
    this.#dir = dir;
    this.#log = log;
  }

  /** So many are attached now. */
  note(key: string, listeners: number): void {
    const path = `${this.#dir}/${key}`;
    this.#tried(() => listeners > 0 ? Deno.writeTextFileSync(path, String(listeners)) : Deno.removeSync(path));
  }

  /** What the engine before has left: it stays until it is noted anew. To be called before the first mark. */
  left(): AttachedOutput[] {
    const found: AttachedOutput[] = [];
    this.#tried(() => {
      for (const { name } of Deno.readDirSync(this.#dir)) {
        // An engine may have been killed before it wrote.
        const listeners = Number(Deno.readTextFileSync(`${this.#dir}/${name}`)) || 1;
        found.push({ key: name, listeners, seen: {} });
      }
    });
    this.#tried(() => Deno.mkdirSync(this.#dir, { recursive: true, mode: 0o700 }));
    return found;
  }

  #tried(change: () => void): void {
    try {
      change();
    } catch (thrown) {
      if (thrown instanceof Deno.errors.NotFound) return;
      this.#log.debug("who is attached isn't kept", { error: toTsdError(thrown).message });
    }
  }
}
