import type { Hasher } from "../../hash/mod.ts";
import type { Digest } from "../../image/digest.ts";
import { FolderLayerStore, type LayerFormat } from "../layer_folders/folder_layer_store.ts";
import { rebuiltTar } from "../overlay2/tar_rebuild.ts";
import type { Described } from "../ports.ts";
import { FILES, SUBVOLUME_CALLS, type SubvolumeCalls, TREE } from "./calls.ts";
import { Chains } from "./chains.ts";
import { SubvolumeIngestion } from "./ingestion.ts";

export interface BtrfsLayerStoreOptions {
  /** The driver's folder below the data-root, on btrfs; made when it is missing. */
  readonly root: string;
  /** What layers are hashed with. */
  readonly createHasher?: () => Promise<Hasher>;
  readonly calls?: SubvolumeCalls;
}

/** Layers unpacked into read-only subvolumes: each folder holds `files` with what `overlay2` keeps of a layer. */
export class BtrfsLayerStore extends FolderLayerStore implements Described {
  readonly #chains: Chains;

  constructor({ root, createHasher, calls = SUBVOLUME_CALLS }: BtrfsLayerStoreOptions) {
    super({ root, format: subvolumesOf(calls), createHasher });
    this.#chains = new Chains(root, calls);
  }

  /** With the chains that stand on it: nothing else would ever remove these. */
  override async remove(diffId: Digest): Promise<void> {
    await super.remove(diffId);
    await this.#chains.removeOver(diffId);
  }

  async describe(): Promise<readonly (readonly [string, string])[]> {
    return [["Backing Filesystem", "btrfs"], ["Chains of layers", String((await this.#chains.list()).length)]];
  }
}

const subvolumesOf = (calls: SubvolumeCalls): LayerFormat => ({
  driver: "btrfs",
  fill: (options) => new SubvolumeIngestion({ ...options, calls }),
  readTar: (folder) => rebuiltTar(`${folder}/${FILES}`, calls),
  mountable: (folder) => Promise.resolve({ path: `${folder}/${FILES}/${TREE}`, [Symbol.dispose]: () => {} }),
});
