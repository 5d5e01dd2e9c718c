import { isTsdError, TsdError } from "../../errors.ts";
import { type Digest, isDigest } from "../../image/digest.ts";
import { syncDir, writeSynced } from "../../io/mod.ts";
import { isErrno } from "../../sys/mod.ts";
import type { ByteString } from "../../tar/mod.ts";
import type { Change, LayerFolder, LayerStore, Mount, Snapshotter, Usage } from "../ports.ts";
import { openFolder, openMerged } from "./merged_layers.ts";
import {
  isMounted,
  isOpaqueLayer,
  mountOverlay,
  OVERLAY_CALLS,
  type OverlayCalls,
  type OverlayWay,
  probeOverlay,
  unmountAll,
} from "./overlay_mount.ts";
import { attempting, isTaken, storageFailure } from "../layer_folders/storage_failure.ts";
import { changesBetween } from "./upper_changes.ts";
import { usageOf } from "./upper_usage.ts";
import { namesIn, Workspace } from "../layer_folders/workspace.ts";

/** Docker's mode for the root of a container, whatever its layers say. */
const ROOT_MODE = 0o755;
const ID = /^[0-9a-f]{64}$/;

export interface OverlaySnapshotterOptions {
  /** The driver's folder below the data-root; made when it is missing. */
  readonly root: string;
  readonly layers: Pick<LayerStore, "info" | "mountable">;
  readonly calls?: OverlayCalls;
  /** How to mount; found out by trying when it isn't given. */
  readonly way?: OverlayWay;
}

/**
 * Writable views by overlayfs: `snapshots/<id>/` holds `upper/`, `work/`, `merged/` (where it is mounted) and
 * `layers.json`. Works over any driver whose layers are folders.
 */
export class OverlaySnapshotter implements Snapshotter {
  readonly #root: string;
  readonly #layers: Pick<LayerStore, "info" | "mountable">;
  readonly #calls: OverlayCalls;
  #way: OverlayWay | undefined;

  constructor({ root, layers, calls = OVERLAY_CALLS, way }: OverlaySnapshotterOptions) {
    this.#root = root;
    this.#layers = layers;
    this.#calls = calls;
    this.#way = way;
  }

  /** Finds out whether and how overlays can be mounted here. @throws {TsdError} storage: not at all, and why */
  async probe(): Promise<OverlayWay> {
    return this.#way ??= await attempting("Cannot try an overlay", () => probeOverlay(this.#root, this.#calls));
  }

  async prepare(layers: readonly Digest[], id: string): Promise<void> {
    const path = this.#path(id);
    for (const layer of layers) {
      if (await this.#layers.info(layer) === undefined) throw new TsdError("not_found", `There is no layer ${layer}`);
    }
    await attempting(`Cannot make a snapshot for ${id}`, async () => {
      await using workspace = await Workspace.create(this.#root);
      const folder = `${workspace.path}/snapshot`;
      makeFolders(`${this.#root}/snapshots`, folder);
      await writeSynced(`${folder}/layers.json`, encodeLayers(layers));
      try {
        Deno.renameSync(folder, path);
      } catch (thrown) {
        if (isTaken(thrown)) throw new TsdError("conflict", `There is a snapshot for ${id} already`, { cause: thrown });
        throw thrown;
      }
      await syncDir(`${this.#root}/snapshots`);
    });
  }

  async mount(id: string): Promise<Mount> {
    const path = this.#path(id);
    const mount: Mount = { root: `${path}/merged` };
    if (this.#isMounted(mount.root)) return mount;
    const layers = await this.#layersOf(id);
    const way = await this.probe();
    using lowers = await this.#lowers(layers);
    await attempting(`Cannot mount the snapshot for ${id}`, () => {
      // Nothing runs between the look and the mount.
      if (isMounted(mount.root, this.#calls)) return;
      const folders = { lowers: lowers.paths, upper: `${path}/upper`, work: `${path}/work`, target: mount.root };
      mountOverlay(folders, way, this.#calls);
    });
    return mount;
  }

  async unmount(id: string): Promise<void> {
    const target = `${this.#path(id)}/merged`;
    await attempting(`Cannot unmount the snapshot for ${id}`, () => unmountAll(target, this.#calls));
  }

  async remove(id: string): Promise<void> {
    await this.unmount(id);
    await attempting(`Cannot remove the snapshot for ${id}`, async () => {
      await using workspace = await Workspace.create(this.#root);
      try {
        await Deno.rename(this.#path(id), `${workspace.path}/snapshot`);
      } catch (thrown) {
        if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
      }
    });
  }

  async usage(id: string): Promise<Usage> {
    await this.#layersOf(id);
    const folder = `${this.#path(id)}/upper`;
    try {
      return await attempting(`Cannot measure the snapshot for ${id}`, () => usageOf(folder, this.#calls));
    } catch (thrown) {
      // One that goes meanwhile is not there, which is no failure of the disk.
      await this.#layersOf(id);
      throw thrown;
    }
  }

  async *diff(id: string, assumed?: ReadonlySet<ByteString>): AsyncGenerator<Change> {
    const folder = `${this.#path(id)}/upper`;
    const way = await this.probe();
    using lowers = await this.#lowers(await this.#layersOf(id));
    const attempt = `Cannot compare the snapshot for ${id} with its layers`;
    using upper = await attempting(attempt, () => openFolder(folder, this.#calls));
    using lower = await attempting(attempt, async () => {
      await using workspace = await Workspace.create(this.#root);
      return openMerged(lowers.paths, workspace.path, way, this.#calls);
    });
    try {
      yield* changesBetween({ upper, lower, assumed }, this.#calls);
    } catch (thrown) {
      throw storageFailure(attempt, thrown);
    }
  }

  async list(): Promise<string[]> {
    const names = await attempting("Cannot list the snapshots", () => namesIn(`${this.#root}/snapshots`));
    return names.filter((name) => ID.test(name));
  }

  /** False also where there is no such folder. */
  #isMounted(folder: string): boolean {
    try {
      return isMounted(folder, this.#calls);
    } catch (thrown) {
      if (isErrno(thrown, "ENOENT")) return false;
      throw thrown;
    }
  }

  #path(id: string): string {
    if (!ID.test(id)) throw new TsdError("invalid_argument", `Invalid container id ${JSON.stringify(id.slice(0, 80))}`);
    return `${this.#root}/snapshots/${id}`;
  }

  /** Lowest layer first, as it was prepared. */
  async #layersOf(id: string): Promise<Digest[]> {
    const path = `${this.#path(id)}/layers.json`;
    const text = await attempting(`Cannot read about the snapshot for ${id}`, () => readIfThere(path));
    if (text === undefined) throw new TsdError("not_found", `There is no snapshot for ${id}`);
    const layers = decodeLayers(text);
    if (layers !== undefined) return layers;
    throw new TsdError("storage", `The snapshot for ${id} is damaged: ${path} holds no list of layers`);
  }

  /**
   * Lower directories, highest first, down to one that hides all below it. Of a layer that comes twice (many images have
   * an empty one several times) only the upper counts: it says everything that the lower says, and Linux takes no twins.
   */
  async #lowers(layers: readonly Digest[]): Promise<Disposable & { readonly paths: readonly string[] }> {
    using open = new DisposableStack();
    const paths: string[] = [];
    for (const layer of new Set(layers.toReversed())) {
      const { path } = open.use(await this.#folderOf(layer));
      paths.push(path);
      if (isOpaqueLayer(path, this.#calls)) break;
    }
    if (paths.length === 0) paths.push(await this.#emptyLower());
    const held = open.move();
    return { paths, [Symbol.dispose]: () => held.dispose() };
  }

  /** A layer that a snapshot stands on and that is gone is no longer the caller's mistake. */
  async #folderOf(layer: Digest): Promise<LayerFolder> {
    try {
      return await this.#layers.mountable(layer);
    } catch (thrown) {
      if (!isTsdError(thrown, "not_found")) throw thrown;
      throw new TsdError("storage", `A layer is missing: ${thrown.message}`, { cause: thrown });
    }
  }

  /** Overlay wants at least one lower directory, also over an image without layers. */
  async #emptyLower(): Promise<string> {
    const folder = `${this.#root}/empty`;
    await attempting("Cannot make an empty layer", () => Deno.mkdir(folder, { recursive: true, mode: 0o755 }));
    return folder;
  }
}

/** Synchronously: a hop to another thread for each takes longer than all of them together. */
function makeFolders(snapshots: string, folder: string): void {
  Deno.mkdirSync(snapshots, { recursive: true, mode: 0o710 });
  Deno.mkdirSync(folder, { mode: 0o710 });
  Deno.mkdirSync(`${folder}/upper`);
  // Not by mkdir, whose mode goes through the umask.
  Deno.chmodSync(`${folder}/upper`, ROOT_MODE);
  for (const name of ["work", "merged"]) Deno.mkdirSync(`${folder}/${name}`, { mode: 0o700 });
}

function encodeLayers(layers: readonly Digest[]): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ layers }));
}

/** Undefined when this isn't what {@link encodeLayers} wrote. */
function decodeLayers(text: string): Digest[] | undefined {
  let layers: unknown;
  try {
    layers = JSON.parse(text)?.layers;
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return undefined;
    throw thrown;
  }
  const isSound = Array.isArray(layers) && layers.every((layer) => typeof layer === "string" && isDigest(layer));
  return isSound ? layers as Digest[] : undefined;
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(path);
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return undefined;
    throw thrown;
  }
}
