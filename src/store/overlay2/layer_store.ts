import type { Hasher } from "../../hash/mod.ts";
import { DirectoryLayerStore, type LayerFormat } from "../directory_driver/directory_layer_store.ts";
import { Ingestion } from "./ingestion.ts";
import { rebuiltTar } from "./tar_rebuild.ts";
import { LAYER_CALLS, type LayerCalls } from "./tree_calls.ts";

export interface Overlay2LayerStoreOptions {
  /** The driver's directory below the data-root; created if it is missing. */
  readonly root: string;
  /** Creates the hasher for layers. */
  readonly createHasher?: () => Promise<Hasher>;
  readonly calls?: LayerCalls;
  /** Called when files of a removed layer can't be deleted. */
  readonly notCleared?: ((thrown: unknown) => void) | undefined;
}

/**
 * A store that unpacks layers: each directory holds `tree/` (the lower directory for overlayfs), and `skeleton.gz` and
 * `shadow/` (what is needed to reproduce the exact tar, see `tar_split.ts`).
 */
export class Overlay2LayerStore extends DirectoryLayerStore {
  constructor({ root, createHasher, calls = LAYER_CALLS, notCleared }: Overlay2LayerStoreOptions) {
    super({ root, format: treesOf(calls), createHasher, notCleared });
  }
}

const treesOf = (calls: LayerCalls): LayerFormat => ({
  driver: "overlay2",
  isClearedLater: true,
  fill: (options) => new Ingestion({ ...options, calls }),
  readTar: (dir) => rebuiltTar(dir, calls),
  mountable: (dir) => Promise.resolve({ path: `${dir}/tree`, [Symbol.dispose]: () => {} }),
});
