import { isTsdError, TsdError } from "../../errors.ts";
import { syncDir } from "../../io/mod.ts";
import type { Digest } from "../../image/digest.ts";
import type { ByteString } from "../../tar/mod.ts";
import { DirectorySnapshotter, type SnapshotPaths } from "../directory_driver/directory_snapshotter.ts";
import { withStorageErrors } from "../directory_driver/storage_failure.ts";
import { StagingDir } from "../directory_driver/staging_dir.ts";
import type { Change, LayerDirectory, LayerStore, Usage } from "../driver.ts";
import { openDir, openMerged } from "./merged_layers.ts";
import { isOpaqueLayer, type MountApi, mountOverlay, type OverlayCalls, probeOverlay } from "./overlay_mount.ts";
import { changesBetween } from "./upper_changes.ts";
import { usageOf } from "./upper_usage.ts";

/** Docker's mode for a container's root, regardless of its layers. */
const ROOT_MODE = 0o755;

export interface OverlaySnapshotterOptions {
  /** The driver's directory below the data-root; created if it is missing. */
  readonly root: string;
  readonly layers: Pick<LayerStore, "info" | "openLowerDir">;
  readonly calls?: OverlayCalls;
  /** Which mount API to use; probed if not given. */
  readonly api?: MountApi;
}

/** A snapshotter on overlayfs, with `upper/` and `work/`. Works over any driver whose layers are directories. */
export class OverlaySnapshotter extends DirectorySnapshotter {
  protected readonly parts = ["upper", "work"];
  readonly #layers: Pick<LayerStore, "openLowerDir">;
  #api: MountApi | undefined;

  constructor({ api, ...options }: OverlaySnapshotterOptions) {
    super(options);
    this.#layers = options.layers;
    this.#api = api;
  }

  /** Probes whether and how overlays can be mounted. @throws {TsdError} storage: they can't be, and why */
  async probe(): Promise<MountApi> {
    return this.#api ??= await withStorageErrors("Cannot try an overlay", () => probeOverlay(this.root, this.calls));
  }

  async probeMount(): Promise<void> {
    await this.probe();
  }

  protected fill(dir: string): void {
    Deno.mkdirSync(`${dir}/upper`);
    // Not with mkdir, whose mode is subject to the umask.
    Deno.chmodSync(`${dir}/upper`, ROOT_MODE);
    Deno.mkdirSync(`${dir}/work`, { mode: 0o700 });
  }

  /** Fsync of a file persists its siblings on ext4 and xfs, but not on btrfs. */
  protected sync(dir: string): Promise<void> {
    return syncDir(dir);
  }

  protected async mounting({ dir, layers }: SnapshotPaths): Promise<Disposable & { mount(target: string): void }> {
    const api = await this.probe();
    const lowers = await this.#lowers(layers);
    return {
      mount: (target) => {
        const dirs = { lowers: lowers.paths, upper: `${dir}/upper`, work: `${dir}/work`, target };
        mountOverlay(dirs, api, this.calls);
      },
      [Symbol.dispose]: () => lowers[Symbol.dispose](),
    };
  }

  protected measure({ dir }: SnapshotPaths): Promise<Usage> {
    return usageOf(`${dir}/upper`, this.calls);
  }

  protected async *compare(
    { id, dir, layers }: SnapshotPaths,
    assumed?: ReadonlySet<ByteString>,
  ): AsyncGenerator<Change> {
    const api = await this.probe();
    using lowers = await this.#lowers(layers);
    const message = `Cannot compare the snapshot for ${id} with its layers`;
    using upper = await withStorageErrors(message, () => openDir(`${dir}/upper`, this.calls));
    using lower = await withStorageErrors(message, async () => {
      await using stagingDir = await StagingDir.create(this.root);
      return openMerged(lowers.paths, stagingDir.path, api, this.calls);
    });
    yield* changesBetween({ upper, lower, assumed }, this.calls);
  }

  /**
   * Opens the lower directories, highest first, down to an opaque layer. Of a layer that occurs twice (many images have
   * an empty one several times) only the upper occurrence counts: the lower one adds nothing to it, and Linux rejects
   * duplicates.
   */
  async #lowers(layers: readonly Digest[]): Promise<Disposable & { readonly paths: readonly string[] }> {
    using open = new DisposableStack();
    const paths: string[] = [];
    for (const layer of new Set(layers.toReversed())) {
      const { path } = open.use(await this.#dirOf(layer));
      paths.push(path);
      if (isOpaqueLayer(path, this.calls)) break;
    }
    if (paths.length === 0) paths.push(await this.#emptyLower());
    const owned = open.move();
    return { paths, [Symbol.dispose]: () => owned.dispose() };
  }

  /** A missing layer of an existing snapshot is a storage failure, not the caller's mistake. */
  async #dirOf(layer: Digest): Promise<LayerDirectory> {
    try {
      return await this.#layers.openLowerDir(layer);
    } catch (thrown) {
      if (!isTsdError(thrown, "not_found")) throw thrown;
      throw new TsdError("storage", `A layer is missing: ${thrown.message}`, { cause: thrown });
    }
  }

  /** Overlayfs needs at least one lower directory, also for an image without layers. */
  async #emptyLower(): Promise<string> {
    const dir = `${this.root}/empty`;
    await withStorageErrors("Cannot make an empty layer", () => Deno.mkdir(dir, { recursive: true, mode: 0o755 }));
    return dir;
  }
}
