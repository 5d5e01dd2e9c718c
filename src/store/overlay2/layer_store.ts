import type { Hasher } from "../../hash/mod.ts";
import { DirectoryLayerStore, type LayerFormat } from "../directory_driver/directory_layer_store.ts";
import { Ingestion } from "./ingestion.ts";
import { rebuiltTar } from "./tar_rebuild.ts";
import { LAYER_CALLS, type LayerCalls } from "./tree_calls.ts";

export interface Overlay2LayerStoreOptions {
  /** The driver's folder below the data-root; made when it is missing. */
  readonly root: string;
  /** What layers are hashed with. */
  readonly createHasher?: () => Promise<Hasher>;
  readonly calls?: LayerCalls;
  /** Hears of files of removed layers that can't be removed. */
  readonly notCleared?: ((thrown: unknown) => void) | undefined;
}

/**
 * Layers unpacked into folders: each holds `tree/` (the lower directory for overlay), and `skeleton.gz` and `shadow/` (what
 * it takes to give the exact tar back, see `skeleton.ts`).
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
