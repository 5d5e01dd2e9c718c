import type { Hasher } from "../../hash/mod.ts";
import type { Digest } from "../../image/digest.ts";
import { DirectoryLayerStore, type LayerFormat } from "../directory_driver/directory_layer_store.ts";
import { rebuiltTar } from "../overlay2/tar_rebuild.ts";
import type { ChainStorage, StatusReporter } from "../driver.ts";
import { FILES, SUBVOLUME_CALLS, type SubvolumeCalls, TREE } from "./calls.ts";
import { ChainSnapshots } from "./chain_snapshots.ts";
import { SubvolumeIngestion } from "./ingestion.ts";

export interface BtrfsLayerStoreOptions {
  /** The driver's folder below the data-root, on btrfs; made when it is missing. */
  readonly root: string;
  /** What layers are hashed with. */
  readonly createHasher?: () => Promise<Hasher>;
  readonly calls?: SubvolumeCalls;
  /** Has {@link BtrfsLayerStore.stack} done by a store in another thread; without it this one does it. */
  readonly stack?: ((layers: readonly Digest[]) => Promise<void>) | undefined;
}

/** Layers unpacked into read-only subvolumes: each folder holds `files` with what `overlay2` keeps of a layer. */
export class BtrfsLayerStore extends DirectoryLayerStore implements StatusReporter, ChainStorage {
  readonly #chains: ChainSnapshots;

  constructor({ root, createHasher, calls = SUBVOLUME_CALLS, stack }: BtrfsLayerStoreOptions) {
    super({ root, format: subvolumesOf(calls), createHasher });
    this.#chains = new ChainSnapshots(root, { calls, elsewhere: stack });
  }

  /** With the chains that stand on it: nothing else would ever remove these. */
  override async remove(diffId: Digest): Promise<void> {
    await super.remove(diffId);
    await this.#chains.removeOver(diffId);
  }

  async stack(layers: readonly Digest[]): Promise<void> {
    await this.#chains.ensure(layers);
  }

  async describe(): Promise<readonly (readonly [string, string])[]> {
    return [["Backing Filesystem", "btrfs"], ["Chains of layers", String((await this.#chains.list()).length)]];
  }
}

const subvolumesOf = (calls: SubvolumeCalls): LayerFormat => ({
  driver: "btrfs",
  fill: (options) => new SubvolumeIngestion({ ...options, calls }),
  readTar: (dir) => rebuiltTar(`${dir}/${FILES}`, calls),
  mountable: (dir) => Promise.resolve({ path: `${dir}/${FILES}/${TREE}`, [Symbol.dispose]: () => {} }),
});
