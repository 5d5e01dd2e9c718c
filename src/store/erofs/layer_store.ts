import { TsdError } from "../../errors.ts";
import type { Hasher } from "../../hash/mod.ts";
import { type Digest, hexOf } from "../../image/digest.ts";
import { isErrno } from "../../sys/mod.ts";
import {
  DirectoryLayerStore,
  type LayerFormat,
  type LayerWriter,
  type LayerWriterOptions,
} from "../directory_driver/directory_layer_store.ts";
import { attempting } from "../directory_driver/storage_failure.ts";
import { type LayerPaths, rebuildIndex, repairIndex } from "./index_rebuild.ts";
import { hasIndex, INDEX_NAME, readWhole, TAR_NAME } from "./layer_files.ts";
import type { LayerDirectory, Rebuildable, StatusReporter } from "../driver.ts";
import { LayerMounts, type MountStrategy } from "./layer_mounts.ts";
import { probeErofs } from "./probe.ts";
import { Immutability } from "./immutability.ts";
import { TarIngestion } from "./tar_ingestion.ts";

export interface ErofsLayerStoreOptions {
  /** The driver's folder below the data-root; made when it is missing. */
  readonly root: string;
  /** What layers are hashed with. */
  readonly createHasher?: () => Promise<Hasher>;
  /** How layers are mounted; found out by trying when it isn't given. */
  readonly way?: MountStrategy | undefined;
  /** Has {@link ErofsLayerStore.remake} done by a store in another thread; without it this one does it. */
  readonly remake?: ((diffId: Digest) => Promise<void>) | undefined;
}

/**
 * Layers that are never unpacked: each folder holds `layer.tar`, the very bytes that the diffID names, and `index.erofs`, a
 * file system whose files point into the tar. The index is made again when it is missing, damaged or another writer's.
 * Attached mounts are in `mounts/`.
 */
export class ErofsLayerStore extends DirectoryLayerStore implements StatusReporter, Rebuildable, Disposable {
  readonly #format: IndexedTars;

  constructor({ root, createHasher, way, remake }: ErofsLayerStoreOptions) {
    const format = new IndexedTars(root, way, remake);
    super({ root, format, createHasher });
    this.#format = format;
  }

  describe(): Promise<readonly (readonly [string, string])[]> {
    return this.#format.describe();
  }

  /** Makes a layer's index again. */
  async remake(diffId: Digest): Promise<void> {
    if (await this.info(diffId) === undefined) throw new TsdError("not_found", `There is no layer ${diffId}`);
    await attempting(
      `Cannot make the index of layer ${diffId}`,
      () => rebuildIndex(this.#format.place(this.layerPath(diffId), diffId)),
    );
  }

  /** Lets go of all mounts. */
  [Symbol.dispose](): void {
    this.#format.mounts[Symbol.dispose]();
  }
}

class IndexedTars implements LayerFormat {
  readonly driver = "erofs";
  readonly mounts: LayerMounts;
  readonly #root: string;
  readonly #remake: ErofsLayerStoreOptions["remake"];
  readonly #seals = new Immutability();
  readonly #making = new Map<Digest, Promise<void>>();
  #way: MountStrategy | undefined;
  #sealed: string | undefined;

  constructor(root: string, way: MountStrategy | undefined, remake: ErofsLayerStoreOptions["remake"]) {
    this.#root = root;
    this.#remake = remake;
    this.#way = way;
    this.mounts = new LayerMounts(`${root}/mounts`);
  }

  async describe(): Promise<readonly (readonly [string, string])[]> {
    const way = this.#way ??= await this.#probe();
    return [["Layer mounts", way], ["Layer files", this.#sealed ??= await this.#seals.describe(this.#root)]];
  }

  fill(options: LayerWriterOptions): LayerWriter {
    return new TarIngestion({ ...options, seals: this.#seals });
  }

  readTar(dir: string): AsyncIterable<Uint8Array> {
    return readWhole(`${dir}/${TAR_NAME}`);
  }

  async mountable(dir: string, diffId: Digest): Promise<LayerDirectory> {
    const way = this.#way ??= await this.#probe();
    const key = hexOf(diffId);
    const mount = () => this.mounts.use(key, { index: `${dir}/${INDEX_NAME}`, tar: `${dir}/${TAR_NAME}` }, way);
    if (this.mounts.has(key)) return mount();
    if (!hasIndex(dir)) await this.#make(dir, diffId);
    try {
      return mount();
    } catch (thrown) {
      // The kernel has no words for "damaged" but these.
      if (!isErrno(thrown, "EINVAL", "EUCLEAN", "EIO")) throw thrown;
      await this.#make(dir, diffId);
      return mount();
    }
  }

  async verify(dir: string, diffId: Digest): Promise<void> {
    if (await repairIndex(this.place(dir, diffId))) this.release(diffId);
  }

  release(diffId: Digest): void {
    this.mounts.release(hexOf(diffId));
  }

  /** Once, however many containers start over it now. */
  #make(dir: string, diffId: Digest): Promise<void> {
    let making = this.#making.get(diffId);
    if (making === undefined) {
      const made = this.#remake?.(diffId) ?? rebuildIndex(this.place(dir, diffId));
      making = made.finally(() => this.#making.delete(diffId));
      this.#making.set(diffId, making);
    }
    return making;
  }

  place(dir: string, diffId: Digest): LayerPaths {
    return { dir, diffId, root: this.#root, seals: this.#seals };
  }

  async #probe(): Promise<MountStrategy> {
    const probed = await probeErofs(this.#root);
    if ("way" in probed) return probed.way;
    throw new TsdError("storage", `Cannot mount layers in ${this.#root}: ${probed.why}`);
  }
}
