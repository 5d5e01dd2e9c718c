import type { Hasher } from "../../hash/mod.ts";
import { isErrno } from "../../sys/mod.ts";
import { FolderLayerStore, type LayerFormat } from "../layer_folders/folder_layer_store.ts";
import { makeIndex, repairIndex } from "./index_making.ts";
import { hasIndex, INDEX_NAME, readWhole, TAR_NAME } from "./layer_files.ts";
import { LayerMounts } from "./layer_mounts.ts";
import { TarIngestion } from "./tar_ingestion.ts";

export interface ErofsLayerStoreOptions {
  /** The driver's folder below the data-root; made when it is missing. */
  readonly root: string;
  /** What layers are hashed with. */
  readonly createHasher?: () => Promise<Hasher>;
}

/**
 * Layers that are never unpacked: each folder holds `layer.tar`, the very bytes that the diffID names, and `index.erofs`, a
 * file system whose files point into the tar. The index is made again when it is missing, damaged or another writer's.
 */
export class ErofsLayerStore extends FolderLayerStore implements Disposable {
  readonly #mounts: LayerMounts;

  constructor({ root, createHasher }: ErofsLayerStoreOptions) {
    const mounts = new LayerMounts();
    super({ root, format: indexedTars(mounts), createHasher });
    this.#mounts = mounts;
  }

  /** Lets go of all mounts. */
  [Symbol.dispose](): void {
    this.#mounts[Symbol.dispose]();
  }
}

const indexedTars = (mounts: LayerMounts): LayerFormat => ({
  driver: "erofs",
  fill: (options) => new TarIngestion(options),
  readTar: (folder) => readWhole(`${folder}/${TAR_NAME}`),
  mountable: async (folder, diffId) => {
    const mount = () => mounts.path(diffId, { index: `${folder}/${INDEX_NAME}`, tar: `${folder}/${TAR_NAME}` });
    if (mounts.has(diffId)) return mount();
    if (!hasIndex(folder)) await makeIndex(folder);
    try {
      return mount();
    } catch (thrown) {
      // The kernel has no words for "damaged" but these.
      if (!isErrno(thrown, "EINVAL", "EUCLEAN", "EIO")) throw thrown;
      await makeIndex(folder);
      return mount();
    }
  },
  verify: repairIndex,
  release: (_folder, diffId) => mounts.release(diffId),
});
