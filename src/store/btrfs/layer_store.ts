import type { Hasher } from "../../hash/mod.ts";
import type { Digest } from "../../image/digest.ts";
import { DirectoryLayerStore, type LayerFormat } from "../directory_driver/directory_layer_store.ts";
import { rebuiltTar } from "../overlay2/tar_rebuild.ts";
import type { ChainStorage, StatusReporter } from "../driver.ts";
import { FILES, SUBVOLUME_CALLS, type SubvolumeCalls, TREE } from "./calls.ts";
import { ChainSnapshots } from "./chain_snapshots.ts";
import { SubvolumeIngestion } from "./ingestion.ts";

export interface BtrfsLayerStoreOptions {
  /** The driver's directory below the data-root, on btrfs; created if it is missing. */
  readonly root: string;
  /** Creates the hasher for layers. */
  readonly createHasher?: () => Promise<Hasher>;
  readonly calls?: SubvolumeCalls;
  /** Prepares chains in another thread; defaults to {@link BtrfsLayerStore.stack} in this one. */
  readonly stack?: ((layers: readonly Digest[]) => Promise<void>) | undefined;
}

/**
 * A store that unpacks layers into read-only subvolumes: in each directory `files` holds what `overlay2` stores of a
 * layer.
 */
export class BtrfsLayerStore extends DirectoryLayerStore implements StatusReporter, ChainStorage {
  readonly #chains: ChainSnapshots;

  constructor({ root, createHasher, calls = SUBVOLUME_CALLS, stack }: BtrfsLayerStoreOptions) {
    super({ root, format: subvolumesOf(calls), createHasher });
    this.#chains = new ChainSnapshots(root, { calls, elsewhere: stack });
  }

  /** Also removes the chains over the layer: no later call would. */
  override async remove(diffId: Digest): Promise<void> {
    await super.remove(diffId);
    await this.#chains.removeOver(diffId);
  }

  async stack(layers: readonly Digest[]): Promise<void> {
    await this.#chains.ensure(layers);
  }

  async status(): Promise<readonly (readonly [string, string])[]> {
    return [["Backing Filesystem", "btrfs"], ["Chains of layers", String((await this.#chains.list()).length)]];
  }
}

const subvolumesOf = (calls: SubvolumeCalls): LayerFormat => ({
  driver: "btrfs",
  fill: (options) => new SubvolumeIngestion({ ...options, calls }),
  readTar: (dir) => rebuiltTar(`${dir}/${FILES}`, calls),
  mountable: (dir) => Promise.resolve({ path: `${dir}/${FILES}/${TREE}`, [Symbol.dispose]: () => {} }),
});
