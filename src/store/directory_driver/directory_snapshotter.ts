import { TsdError } from "../../errors.ts";
import type { Digest } from "../../image/digest.ts";
import { exists, readIfExists } from "../../io/if_exists.ts";
import { makeDirDurably, syncDir, writeSynced } from "../../io/mod.ts";
import { isErrno, SysError } from "../../sys/mod.ts";
import type { ByteString } from "../../tar/mod.ts";
import { isMounted, OVERLAY_CALLS, type OverlayCalls, unmountAllBlocking } from "../overlay/overlay_mount.ts";
import type { Change, LayerStore, Mount, Snapshotter, Usage } from "../driver.ts";
import { removeDir } from "./clearing.ts";
import { decodeLayers, encodeLayers, LAYERS_NAME } from "./layer_list.ts";
import { attempting, isTaken, storageFailure } from "./storage_failure.ts";
import { namesIn } from "./staging_dir.ts";

const ID = /^[0-9a-f]{64}$/;
/** Where a snapshot is mounted, in its folder. */
export const MERGED = "merged";

export interface DirectorySnapshotterOptions {
  /** The driver's folder below the data-root; made when it is missing. */
  readonly root: string;
  readonly layers: Pick<LayerStore, "info">;
  readonly calls?: OverlayCalls | undefined;
}

/** A snapshot that is there. */
export interface SnapshotPaths {
  readonly id: string;
  readonly dir: string;
  /** Lowest first. */
  readonly layers: readonly Digest[];
}

/**
 * Snapshots in folders: `snapshots/<id>/` holds what the driver puts there, `merged/`, where it is mounted, and
 * `layers.json`. A snapshot is made under `ingest/` and renamed into place; it goes the same way. Nothing locks it meanwhile:
 * `ingest/` is swept before an engine makes or removes any, and a file less for each counts where there are many.
 */
export abstract class DirectorySnapshotter implements Snapshotter {
  protected readonly root: string;
  protected readonly calls: OverlayCalls;
  readonly #layers: Pick<LayerStore, "info">;

  constructor({ root, layers, calls = OVERLAY_CALLS }: DirectorySnapshotterOptions) {
    this.root = root;
    this.calls = calls;
    this.#layers = layers;
  }

  /** What a snapshot has besides {@link MERGED} once it is filled. */
  protected abstract readonly parts: readonly string[];
  /** Fills the empty folder of a new snapshot; `merged/` is made here as well. */
  protected abstract fill(dir: string, layers: readonly Digest[]): void | Promise<void>;
  /** Has last what `fill` made. */
  protected abstract keep(dir: string): Promise<void>;
  /** Gets ready what mounting takes, and gives the call that does it: between the look and the mount nothing may run. */
  protected abstract mounting(place: SnapshotPaths): Promise<Disposable & { mount(target: string): void }>;
  protected abstract measure(place: SnapshotPaths): Promise<Usage>;
  protected abstract compare(place: SnapshotPaths, assumed?: ReadonlySet<ByteString>): AsyncIterable<Change>;

  async prepare(layers: readonly Digest[], id: string): Promise<void> {
    const path = this.#path(id);
    for (const layer of layers) {
      if (await this.#layers.info(layer) === undefined) throw new TsdError("not_found", `There is no layer ${layer}`);
    }
    await attempting(`Cannot make a snapshot for ${id}`, async () => {
      // Synchronously: a hop to another thread for each takes longer than all of them together.
      await makeDirDurably(`${this.root}/snapshots`, 0o710);
      let dir = await this.#incomplete();
      Deno.mkdirSync(dir, { mode: 0o710 });
      await using incomplete = new AsyncDisposableStack();
      incomplete.defer(() => removeDir(dir));
      Deno.mkdirSync(`${dir}/${MERGED}`, { mode: 0o700 });
      await this.fill(dir, layers);
      // Both go to the disk at once. If only the name gets there this isn't whole, and nobody was told of it.
      const written = writeSynced(`${dir}/${LAYERS_NAME}`, encodeLayers(layers));
      incomplete.defer(() => Promise.allSettled([written]).then(() => undefined));
      try {
        Deno.renameSync(dir, path);
        dir = path;
      } catch (thrown) {
        if (isTaken(thrown)) throw new TsdError("conflict", `There is a snapshot for ${id} already`, { cause: thrown });
        throw thrown;
      }
      await Promise.all([written, this.keep(path), syncDir(`${this.root}/snapshots`)]);
      incomplete.move();
    });
  }

  async mount(id: string): Promise<Mount> {
    const mount: Mount = { root: `${this.#path(id)}/${MERGED}` };
    if (this.#isMounted(mount.root)) return mount;
    using ready = await this.mounting(await this.#placeOf(id));
    await attempting(`Cannot mount the snapshot for ${id}`, () => {
      if (!isMounted(mount.root, this.calls)) ready.mount(mount.root);
    });
    return mount;
  }

  async unmount(id: string): Promise<void> {
    const target = `${this.#path(id)}/${MERGED}`;
    await attempting(`Cannot unmount the snapshot for ${id}`, async () => {
      if (this.#mayBeMounted(target)) await unmountAllBlocking(target, this.calls);
    });
  }

  async remove(id: string): Promise<void> {
    await this.unmount(id);
    await attempting(`Cannot remove the snapshot for ${id}`, async () => {
      const dir = await this.#incomplete();
      try {
        Deno.renameSync(this.#path(id), dir);
      } catch (thrown) {
        if (thrown instanceof Deno.errors.NotFound) return;
        throw thrown;
      }
      await removeDir(dir);
    });
  }

  /** A path for what is not there yet, or not any more. */
  async #incomplete(): Promise<string> {
    await makeDirDurably(`${this.root}/ingest`, 0o700);
    return `${this.root}/ingest/${crypto.randomUUID()}`;
  }

  async usage(id: string): Promise<Usage> {
    const place = await this.#placeOf(id);
    try {
      return await attempting(`Cannot measure the snapshot for ${id}`, () => this.measure(place));
    } catch (thrown) {
      // One that goes meanwhile is not there, which is no failure of the disk.
      await this.#placeOf(id);
      throw thrown;
    }
  }

  async *diff(id: string, assumed?: ReadonlySet<ByteString>): AsyncGenerator<Change> {
    const place = await this.#placeOf(id);
    try {
      yield* this.compare(place, assumed);
    } catch (thrown) {
      throw storageFailure(`Cannot compare the snapshot for ${id} with its layers`, thrown);
    }
  }

  async list(): Promise<string[]> {
    const names = await attempting("Cannot list the snapshots", () => namesIn(`${this.root}/snapshots`));
    return names.filter((name) => ID.test(name));
  }

  async isWhole(id: string): Promise<boolean> {
    // Not every file system keeps what was done in the order in which it was.
    const hasParts = [MERGED, ...this.parts].every((part) => exists(`${this.#path(id)}/${part}`));
    return hasParts && Array.isArray(await this.#layersOf(id));
  }

  /** False also where there is no such folder. */
  #isMounted(dir: string): boolean {
    try {
      return isMounted(dir, this.calls);
    } catch (thrown) {
      if (isErrno(thrown, "ENOENT")) return false;
      throw thrown;
    }
  }

  /** A disk that is dying must not keep anything mounted. */
  #mayBeMounted(dir: string): boolean {
    try {
      return this.#isMounted(dir);
    } catch (thrown) {
      if (thrown instanceof SysError) return true;
      throw thrown;
    }
  }

  #path(id: string): string {
    if (!ID.test(id)) throw new TsdError("invalid_argument", `Invalid container id ${JSON.stringify(id.slice(0, 80))}`);
    return `${this.root}/snapshots/${id}`;
  }

  /** With its layers as it was prepared. @throws {TsdError} not_found, storage */
  async #placeOf(id: string): Promise<SnapshotPaths> {
    const dir = this.#path(id);
    const layers = await this.#layersOf(id);
    if (layers === undefined) throw new TsdError("not_found", `There is no snapshot for ${id}`);
    if (layers !== "damaged") return { id, dir, layers };
    const path = `${dir}/${LAYERS_NAME}`;
    throw new TsdError("storage", `The snapshot for ${id} is damaged: ${path} holds no list of layers`);
  }

  /** Undefined where there is none. @throws {TsdError} storage */
  async #layersOf(id: string): Promise<readonly Digest[] | "damaged" | undefined> {
    const path = `${this.#path(id)}/${LAYERS_NAME}`;
    const text = await attempting(`Cannot read about the snapshot for ${id}`, () => readIfExists(path));
    return text === undefined ? undefined : decodeLayers(text) ?? "damaged";
  }
}
