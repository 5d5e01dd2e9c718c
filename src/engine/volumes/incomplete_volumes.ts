/**
 * @module
 * Volumes of which not all is there yet. What is begun is noted beside the volume's files first, so that half a tree never
 * passes for a whole one, whatever ends the engine or the machine.
 */
import { syncDir, writeSynced } from "../../io/mod.ts";
import { type EnginePaths, volumePaths } from "../paths.ts";

/**
 * What is going on: an empty volume gets what an image has; a new one is made of another one or of an archive; one is
 * removed.
 */
export type IncompleteNote = "filling" | "making" | "removing";

/** See the module's comment. */
export class IncompleteVolumes {
  readonly #paths: EnginePaths;

  constructor(paths: EnginePaths) {
    this.#paths = paths;
  }

  /** The volume's folder is there. @throws {Error} */
  async begin(name: string, what: IncompleteNote): Promise<void> {
    if (this.has(name, what)) return;
    await writeSynced(this.#note(name, what), new Uint8Array(), 0o600);
    await syncDir(volumePaths(this.#paths, name).dir);
  }

  /**
   * That a volume is about to be removed. Nothing is synced: its row is, after this, and where the note is lost all the
   * same, files stay that nobody has. @throws {Error}
   */
  beginRemoval(name: string): void {
    try {
      Deno.writeFileSync(this.#note(name, "removing"), new Uint8Array(), { mode: 0o600 });
    } catch (thrown) {
      // Somebody took its folder away.
      if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
    }
  }

  /** Synchronously: every start asks, and another thread takes longer to get to it than it takes. */
  has(name: string, what: IncompleteNote): boolean {
    try {
      return Deno.lstatSync(this.#note(name, what)).isFile;
    } catch (thrown) {
      if (thrown instanceof Deno.errors.NotFound) return false;
      throw thrown;
    }
  }

  /**
   * All is there, and lasts: whoever copied it has synced it. So does this: a note that a power cut brings back would have
   * a whole volume taken away. Nothing that was not begun needs that. @throws {Error}
   */
  async finish(name: string, what: IncompleteNote): Promise<void> {
    if (!this.has(name, what)) return;
    await Deno.remove(this.#note(name, what));
    await syncDir(volumePaths(this.#paths, name).dir);
  }

  #note(name: string, what: IncompleteNote): string {
    return `${volumePaths(this.#paths, name).dir}/.${what}`;
  }
}
