/** Ingests one tar into a subvolume: unpacked as by `overlay2`, and read-only once it is complete. */
import { syncDir, writeSynced } from "../../io/mod.ts";
import { cString } from "../../sys/mod.ts";
import type { LayerWriter, LayerWriterOptions } from "../directory_driver/directory_layer_store.ts";
import { openDir } from "../overlay/merged_layers.ts";
import { Ingestion } from "../overlay2/ingestion.ts";
import { FILES, type SubvolumeCalls } from "./calls.ts";

/**
 * Fills a layer's directory with the subvolume `files`, which holds everything that `overlay2` keeps in a layer's
 * directory.
 */
export class SubvolumeIngestion implements LayerWriter {
  readonly #dir: string;
  readonly #calls: SubvolumeCalls;
  readonly #inner: Ingestion;

  constructor({ calls, ...options }: LayerWriterOptions & { readonly calls: SubvolumeCalls }) {
    this.#dir = options.dir;
    this.#calls = calls;
    using dir = openDir(this.#dir, calls);
    calls.createSubvolume(dir.fd, cString(FILES));
    this.#inner = new Ingestion({ ...options, dir: `${this.#dir}/${FILES}`, calls });
  }

  get tarBytes(): number {
    return this.#inner.tarBytes;
  }

  get contentBytes(): number {
    return this.#inner.contentBytes;
  }

  get entries(): number {
    return this.#inner.entries;
  }

  push(bytes: Uint8Array): void {
    this.#inner.push(bytes);
  }

  end(): string {
    return this.#inner.end();
  }

  async finish(files: Readonly<Record<string, Uint8Array>>): Promise<void> {
    this.#inner.finish({});
    {
      using subvolume = openDir(`${this.#dir}/${FILES}`, this.#calls);
      this.#calls.setReadOnlySubvolume(subvolume.fd, true);
    }
    for (const [name, bytes] of Object.entries(files)) await writeSynced(`${this.#dir}/${name}`, bytes, 0o600);
    await syncDir(this.#dir);
  }

  [Symbol.dispose](): void {
    this.#inner[Symbol.dispose]();
  }
}
