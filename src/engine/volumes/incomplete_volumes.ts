/**
 * @module
 * Volumes of which not all is there yet. What is begun is noted beside the volume's files first, so that half a tree never
 * passes for a whole one, whatever ends the engine or the machine.
 */
import { syncDir, writeFileDurably, writeSynced } from "../../io/mod.ts";
import { type EnginePaths, volumePaths } from "../paths.ts";

/**
 * What is going on: an empty volume gets what an image has; a new one is made of another one or of an archive; one is
 * removed.
 */
export type IncompleteNote = "filling" | "making" | "removing";

/** Stands in a note of {@link IncompleteVolumes.beginFilling} for all of a volume. */
export const ALL = "";

/** The note that an empty directory of a volume gets what an image has; it has the directory's path. */
const FILLING_PART = "filling-part";

type Note = IncompleteNote | typeof FILLING_PART;

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
  has(name: string, what: Note): boolean {
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
  async finish(name: string, what: Note): Promise<void> {
    if (!this.has(name, what)) return;
    await Deno.remove(this.#note(name, what));
    await syncDir(volumePaths(this.#paths, name).dir);
  }

  /**
   * That a directory of a volume gets what an image has.
   * @param directory its path in the volume, through no link; or {@link ALL}
   * @throws {Error}
   */
  async beginFilling(name: string, directory: string): Promise<void> {
    if (directory === ALL) return await this.begin(name, "filling");
    if (this.filling(name) === directory) return;
    // Whole or absent: by half a path another directory could be emptied.
    await writeFileDurably(this.#note(name, FILLING_PART), new TextEncoder().encode(directory), { mode: 0o600 });
  }

  /** The directory of a volume whose filling was not finished; {@link ALL}: all of it. Synchronously, as {@link has}. */
  filling(name: string): string | undefined {
    if (this.has(name, "filling")) return ALL;
    try {
      return Deno.readTextFileSync(this.#note(name, FILLING_PART));
    } catch (thrown) {
      if (thrown instanceof Deno.errors.NotFound) return undefined;
      throw thrown;
    }
  }

  /** As {@link finish}. @throws {Error} */
  async finishFilling(name: string): Promise<void> {
    for (const what of ["filling", FILLING_PART] as const) await this.finish(name, what);
  }

  #note(name: string, what: Note): string {
    return `${volumePaths(this.#paths, name).dir}/.${what}`;
  }
}
