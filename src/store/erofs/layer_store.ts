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
import { withStorageErrors } from "../directory_driver/storage_failure.ts";
import { type LayerPaths, rebuildIndex, repairIndex } from "./index_rebuild.ts";
import { hasIndex, INDEX_NAME, readChunks, TAR_NAME } from "./layer_files.ts";
import type { LayerDirectory, Rebuildable, StatusReporter } from "../driver.ts";
import { LayerMounts, type MountStrategy } from "./layer_mounts.ts";
import { probeErofs } from "./probe.ts";
import { Immutability } from "./immutability.ts";
import { TarIngestion } from "./tar_ingestion.ts";

export interface ErofsLayerStoreOptions {
  /** The driver's directory below the data-root; created if it is missing. */
  readonly root: string;
  /** Creates the hasher for layers. */
  readonly createHasher?: () => Promise<Hasher>;
  /** How layers are mounted; probed if not given. */
  readonly strategy?: MountStrategy | undefined;
  /** Rebuilds an index in another thread; defaults to {@link ErofsLayerStore.remake} in this one. */
  readonly remake?: ((diffId: Digest) => Promise<void>) | undefined;
}

/**
 * A store that doesn't unpack layers: each directory holds `layer.tar`, exactly the bytes that the diffID names, and
 * `index.erofs`, a file system whose files point into the tar. An index that is missing, damaged or written by another
 * version is rebuilt. Attached mounts are in `mounts/`.
 */
export class ErofsLayerStore extends DirectoryLayerStore implements StatusReporter, Rebuildable, Disposable {
  readonly #format: IndexedTars;

  constructor({ root, createHasher, strategy, remake }: ErofsLayerStoreOptions) {
    const format = new IndexedTars(root, strategy, remake);
    super({ root, format, createHasher });
    this.#format = format;
  }

  status(): Promise<readonly (readonly [string, string])[]> {
    return this.#format.describe();
  }

  /** Rebuilds a layer's index. */
  async remake(diffId: Digest): Promise<void> {
    if (await this.info(diffId) === undefined) throw new TsdError("not_found", `There is no layer ${diffId}`);
    await withStorageErrors(
      `Cannot make the index of layer ${diffId}`,
      () => rebuildIndex(this.#format.pathsOf(this.layerPath(diffId), diffId)),
    );
  }

  /** Unmounts all layers. */
  [Symbol.dispose](): void {
    this.#format.mounts[Symbol.dispose]();
  }
}

class IndexedTars implements LayerFormat {
  readonly driver = "erofs";
  readonly mounts: LayerMounts;
  readonly #root: string;
  readonly #remake: ErofsLayerStoreOptions["remake"];
  readonly #immutability = new Immutability();
  readonly #rebuilds = new Map<Digest, Promise<void>>();
  #strategy: MountStrategy | undefined;
  #protections: string | undefined;

  constructor(root: string, strategy: MountStrategy | undefined, remake: ErofsLayerStoreOptions["remake"]) {
    this.#root = root;
    this.#remake = remake;
    this.#strategy = strategy;
    this.mounts = new LayerMounts(`${root}/mounts`);
  }

  async describe(): Promise<readonly (readonly [string, string])[]> {
    const strategy = this.#strategy ??= await this.#probe();
    return [["Layer mounts", strategy], [
      "Layer files",
      this.#protections ??= await this.#immutability.describe(this.#root),
    ]];
  }

  fill(options: LayerWriterOptions): LayerWriter {
    return new TarIngestion({ ...options, immutability: this.#immutability });
  }

  readTar(dir: string): AsyncIterable<Uint8Array> {
    return readChunks(`${dir}/${TAR_NAME}`);
  }

  async mountable(dir: string, diffId: Digest): Promise<LayerDirectory> {
    const strategy = this.#strategy ??= await this.#probe();
    const key = hexOf(diffId);
    const mount = () => this.mounts.use(key, { index: `${dir}/${INDEX_NAME}`, tar: `${dir}/${TAR_NAME}` }, strategy);
    if (this.mounts.has(key)) return mount();
    if (!hasIndex(dir)) await this.#rebuildOnce(dir, diffId);
    try {
      return mount();
    } catch (thrown) {
      // The kernel reports a damaged index with these errors only.
      if (!isErrno(thrown, "EINVAL", "EUCLEAN", "EIO")) throw thrown;
      await this.#rebuildOnce(dir, diffId);
      return mount();
    }
  }

  async verify(dir: string, diffId: Digest): Promise<void> {
    if (await repairIndex(this.pathsOf(dir, diffId))) this.release(diffId);
  }

  release(diffId: Digest): void {
    this.mounts.release(hexOf(diffId));
  }

  /** Rebuilds the index once for all concurrent callers. */
  #rebuildOnce(dir: string, diffId: Digest): Promise<void> {
    let rebuild = this.#rebuilds.get(diffId);
    if (rebuild === undefined) {
      const work = this.#remake?.(diffId) ?? rebuildIndex(this.pathsOf(dir, diffId));
      rebuild = work.finally(() => this.#rebuilds.delete(diffId));
      this.#rebuilds.set(diffId, rebuild);
    }
    return rebuild;
  }

  pathsOf(dir: string, diffId: Digest): LayerPaths {
    return { dir, diffId, root: this.#root, immutability: this.#immutability };
  }

  async #probe(): Promise<MountStrategy> {
    const probed = await probeErofs(this.#root);
    if ("strategy" in probed) return probed.strategy;
    throw new TsdError("storage", `Cannot mount layers in ${this.#root}: ${probed.why}`);
  }
}
