/**
 * @module
 * Files of plugins that are only looked at: what they say of themselves, without any permission. A file that was sent lies in
 * a folder of its own meanwhile, of which nothing stays.
 */
import { toTsdError, TsdError } from "../../errors.ts";
import type { PluginManifest } from "../../plugins/host/manifest.ts";
import { namesIn, removeTree } from "../directories.ts";
import { extensionOf } from "./plugin_files.ts";
import type { PluginStarter } from "./plugin_starter.ts";

/** Folders of files that were sent; no plugin's name begins with a dot. */
const STAGED = ".look-";

/** A file that came with a request. Its name's end says what it is. */
export interface SentFile {
  readonly fileName: string;
  readonly content: Uint8Array<ArrayBuffer>;
}

/** See the module's comment. */
export class PluginInspector {
  readonly #home: string;
  readonly #starter: Pick<PluginStarter, "look">;

  constructor(home: string, starter: Pick<PluginStarter, "look">) {
    this.#home = home;
    this.#starter = starter;
  }

  /** Takes away what a killed engine has left. */
  async sweep(): Promise<void> {
    const left = (await namesIn(this.#home)).filter((name) => name.startsWith(STAGED));
    for (const name of left) await this.#clear(`${this.#home}/${name}`);
  }

  /** @param shown how the file is called in messages @throws {TsdError} invalid_argument, with the reason for its author */
  async look(file: string, shown = file): Promise<PluginManifest> {
    try {
      return await this.#starter.look(file);
    } catch (cause) {
      const why = toTsdError(cause).message.replaceAll(`file://${file}`, shown).replace(/\s+/g, " ");
      throw new TsdError("invalid_argument", `${shown} is no plugin that can be used: ${why}`, { cause });
    }
  }

  /** @throws {TsdError} invalid_argument */
  manifestOf(sent: SentFile): Promise<PluginManifest> {
    return this.staged(sent, (file) => this.look(file, sent.fileName));
  }

  /** Gives `body` a file that has this content and is gone afterwards. @throws {TsdError} invalid_argument; what `body` throws */
  async staged<T>({ fileName, content }: SentFile, body: (file: string) => Promise<T>): Promise<T> {
    const file = `plugin${extensionOf(fileName)}`;
    const dir = `${this.#home}/${STAGED}${crypto.randomUUID()}`;
    await Deno.mkdir(dir, { recursive: true, mode: 0o700 });
    try {
      await Deno.writeFile(`${dir}/${file}`, content, { mode: 0o600 });
      return await body(`${dir}/${file}`);
    } finally {
      await this.#clear(dir);
    }
  }

  /** Deno keeps what it made of a file, by the file's place. */
  async #clear(dir: string): Promise<void> {
    for (const each of [dir, `${this.#home}/cache/gen/file${dir}`]) await removeTree(each);
  }
}
