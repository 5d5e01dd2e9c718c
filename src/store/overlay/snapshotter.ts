import { isTsdError, TsdError } from "../../errors.ts";
import { syncDir } from "../../io/mod.ts";
import type { Digest } from "../../image/digest.ts";
import type { ByteString } from "../../tar/mod.ts";
import { DirectorySnapshotter, type SnapshotPaths } from "../directory_driver/directory_snapshotter.ts";
import { attempting } from "../directory_driver/storage_failure.ts";
import { StagingDir } from "../directory_driver/staging_dir.ts";
import type { Change, LayerDirectory, LayerStore, Usage } from "../driver.ts";
import { openDir, openMerged } from "./merged_layers.ts";
import { isOpaqueLayer, type MountApi, mountOverlay, type OverlayCalls, probeOverlay } from "./overlay_mount.ts";
import { changesBetween } from "./upper_changes.ts";
import { usageOf } from "./upper_usage.ts";

/** Docker's mode for the root of a container, whatever its layers say. */
const ROOT_MODE = 0o755;

export interface OverlaySnapshotterOptions {
  /** The driver's folder below the data-root; made when it is missing. */
  readonly root: string;
  readonly layers: Pick<LayerStore, "info" | "mountable">;
  readonly calls?: OverlayCalls;
  /** How to mount; found out by trying when it isn't given. */
  readonly way?: MountApi;
}

/** Writable views by overlayfs, in `upper/` and `work/`. Works over any driver whose layers are folders. */
export class OverlaySnapshotter extends DirectorySnapshotter {
  protected readonly parts = ["upper", "work"];
  readonly #layers: Pick<LayerStore, "mountable">;
  #way: MountApi | undefined;

  constructor({ way, ...options }: OverlaySnapshotterOptions) {
    super(options);
    this.#layers = options.layers;
    this.#way = way;
  }

  /** Finds out whether and how overlays can be mounted here. @throws {TsdError} storage: not at all, and why */
  async probe(): Promise<MountApi> {
    return this.#way ??= await attempting("Cannot try an overlay", () => probeOverlay(this.root, this.calls));
  }

  async ready(): Promise<void> {
    await this.probe();
  }

  protected fill(dir: string): void {
    Deno.mkdirSync(`${dir}/upper`);
    // Not by mkdir, whose mode goes through the umask.
    Deno.chmodSync(`${dir}/upper`, ROOT_MODE);
    Deno.mkdirSync(`${dir}/work`, { mode: 0o700 });
  }

  /** An fsync of a file keeps its neighbours on ext4 and xfs, not on btrfs. */
  protected keep(dir: string): Promise<void> {
    return syncDir(dir);
  }

  protected async mounting({ dir, layers }: SnapshotPaths): Promise<Disposable & { mount(target: string): void }> {
    const way = await this.probe();
    const lowers = await this.#lowers(layers);
    return {
      mount: (target) => {
        const dirs = { lowers: lowers.paths, upper: `${dir}/upper`, work: `${dir}/work`, target };
        mountOverlay(dirs, way, this.calls);
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
    const way = await this.probe();
    using lowers = await this.#lowers(layers);
    const attempt = `Cannot compare the snapshot for ${id} with its layers`;
    using upper = await attempting(attempt, () => openDir(`${dir}/upper`, this.calls));
    using lower = await attempting(attempt, async () => {
      await using stagingDir = await StagingDir.create(this.root);
      return openMerged(lowers.paths, stagingDir.path, way, this.calls);
    });
    yield* changesBetween({ upper, lower, assumed }, this.calls);
  }

  /**
   * Lower directories, highest first, down to one that hides all below it. Of a layer that comes twice (many images have
   * an empty one several times) only the upper counts: it says everything that the lower says, and Linux takes no twins.
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
    const held = open.move();
    return { paths, [Symbol.dispose]: () => held.dispose() };
  }

  /** A layer that a snapshot stands on and that is gone is no longer the caller's mistake. */
  async #dirOf(layer: Digest): Promise<LayerDirectory> {
    try {
      return await this.#layers.mountable(layer);
    } catch (thrown) {
      if (!isTsdError(thrown, "not_found")) throw thrown;
      throw new TsdError("storage", `A layer is missing: ${thrown.message}`, { cause: thrown });
    }
  }

  /** Overlay wants at least one lower directory, also over an image without layers. */
  async #emptyLower(): Promise<string> {
    const dir = `${this.root}/empty`;
    await attempting("Cannot make an empty layer", () => Deno.mkdir(dir, { recursive: true, mode: 0o755 }));
    return dir;
  }
}
