/** Ingests one tar: hashes, validates, writes and indexes it in a single pass. */
import { TsdError } from "../../errors.ts";
import { syncDir, writeSynced } from "../../io/mod.ts";
import { TarDecoder } from "../../tar/mod.ts";
import type { LayerWriter, LayerWriterOptions } from "../directory_driver/directory_layer_store.ts";
import { LayerTree } from "../layer_tree.ts";
import { createIndex } from "./index_rebuild.ts";
import { INDEX_NAME, NewFile, TAR_NAME } from "./layer_files.ts";
import type { Immutability } from "./immutability.ts";

export interface TarIngestionOptions extends LayerWriterOptions {
  readonly immutability: Pick<Immutability, "protect">;
}

/** Fills a layer's directory with `layer.tar` and `index.erofs` and protects both files. */
export class TarIngestion implements LayerWriter {
  readonly #options: TarIngestionOptions;
  readonly #decoder = new TarDecoder();
  readonly #tree: LayerTree;
  readonly #tar: NewFile;

  constructor(options: TarIngestionOptions) {
    this.#options = options;
    this.#tree = new LayerTree(options.limits);
    this.#tar = NewFile.create(`${options.dir}/${TAR_NAME}`);
  }

  get tarBytes(): number {
    return this.#tar.sizeBytes;
  }

  get contentBytes(): number {
    return this.#tree.contentBytes;
  }

  get entries(): number {
    return this.#tree.entries;
  }

  push(bytes: Uint8Array): void {
    const { limits, hasher } = this.#options;
    if (this.#tar.sizeBytes + bytes.length > limits.tarBytes) throw this.#tooLarge();
    hasher.update(bytes);
    this.#tar.append(bytes);
    this.#decoder.feed(bytes);
    for (let item = this.#decoder.next(); item !== undefined; item = this.#decoder.next()) {
      if (item instanceof Uint8Array) continue;
      this.#tree.add(item);
      if (item.dataOffset + item.storedBytes > limits.tarBytes || this.#tree.contentBytes > limits.tarBytes) {
        throw this.#tooLarge();
      }
    }
  }

  end(): string {
    this.#decoder.finish();
    return this.#options.hasher.digestHex();
  }

  /** Syncs the tar while the index is built. */
  async finish(files: Readonly<Record<string, Uint8Array>>): Promise<void> {
    const { dir, diffId, immutability } = this.#options;
    const writeOthers = async () => {
      await createIndex(`${dir}/${INDEX_NAME}`, this.#tree, diffId, `${dir}/${TAR_NAME}`);
      for (const [name, bytes] of Object.entries(files)) await writeSynced(`${dir}/${name}`, bytes, 0o600);
    };
    // Waits for all of them even if one fails: nothing may still be writing when the directory is removed.
    for (const outcome of await Promise.allSettled([this.#tar.sync(), writeOthers()])) {
      if (outcome.status === "rejected") throw outcome.reason;
    }
    this.#tar[Symbol.dispose]();
    for (const name of [TAR_NAME, INDEX_NAME]) immutability.protect(`${dir}/${name}`);
    await syncDir(dir);
  }

  [Symbol.dispose](): void {
    this.#tar[Symbol.dispose]();
  }

  #tooLarge(): TsdError {
    return new TsdError("layer_too_large", `The layer has more than ${this.#options.limits.tarBytes} bytes`);
  }
}
