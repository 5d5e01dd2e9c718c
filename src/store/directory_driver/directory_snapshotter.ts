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
import { isNotEmptyError, storageFailure, withStorageErrors } from "./storage_failure.ts";
import { namesIn } from "./staging_dir.ts";

const ID = /^[0-9a-f]{64}$/;
/** Name of a snapshot's mount point in its directory. */
export const MERGED = "merged";

export interface DirectorySnapshotterOptions {
  /** The driver's directory below the data-root; created if it is missing. */
  readonly root: string;
  readonly layers: Pick<LayerStore, "info">;
  readonly calls?: OverlayCalls | undefined;
}

/** The paths of an existing snapshot. */
export interface SnapshotPaths {
  readonly id: string;
  readonly dir: string;
  /** Lowest first. */
  readonly layers: readonly Digest[];
}

/**
 * A snapshotter with one directory per snapshot: `snapshots/<id>/` holds what the driver puts there, the mount point
 * `merged/`, and `layers.json`. A snapshot is created under `ingest/` and renamed into place, and moved back there to
 * be deleted. It takes no lock in `ingest/`: an engine sweeps that directory before it creates or removes snapshots,
 * and one file less per snapshot matters when there are many.
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

  /** Names of what a filled snapshot has besides {@link MERGED}. */
  protected abstract readonly parts: readonly string[];
  /** Fills the directory of a new snapshot, in which `merged/` exists already. */
  protected abstract fill(dir: string, layers: readonly Digest[]): void | Promise<void>;
  /** Syncs what `fill` created. */
  protected abstract sync(dir: string): Promise<void>;
  /**
   * Prepares a mount and returns the call that does it, which is synchronous so that nothing runs between check and
   * mount.
   */
  protected abstract mounting(snapshot: SnapshotPaths): Promise<Disposable & { mount(target: string): void }>;
  protected abstract measure(snapshot: SnapshotPaths): Promise<Usage>;
  protected abstract compare(snapshot: SnapshotPaths, assumed?: ReadonlySet<ByteString>): AsyncIterable<Change>;

  async prepare(layers: readonly Digest[], id: string): Promise<void> {
    const path = this.#path(id);
    for (const layer of layers) {
      if (await this.#layers.info(layer) === undefined) throw new TsdError("not_found", `There is no layer ${layer}`);
    }
    await withStorageErrors(`Cannot make a snapshot for ${id}`, async () => {
      // Synchronous calls: handing each to another thread takes longer than all of them together.
      await makeDirDurably(`${this.root}/snapshots`, 0o710);
      let dir = await this.#stagingPath();
      Deno.mkdirSync(dir, { mode: 0o710 });
      await using incomplete = new AsyncDisposableStack();
      incomplete.defer(() => removeDir(dir));
      Deno.mkdirSync(`${dir}/${MERGED}`, { mode: 0o700 });
      await this.fill(dir, layers);
      // Both are synced at once. If only the rename is durable, the snapshot is incomplete, and nothing was reported
      // yet.
      const written = writeSynced(`${dir}/${LAYERS_NAME}`, encodeLayers(layers));
      incomplete.defer(() => Promise.allSettled([written]).then(() => undefined));
      try {
        Deno.renameSync(dir, path);
        dir = path;
      } catch (thrown) {
        if (isNotEmptyError(thrown)) {
          throw new TsdError("conflict", `There is a snapshot for ${id} already`, { cause: thrown });
        }
        throw thrown;
      }
      await Promise.all([written, this.sync(path), syncDir(`${this.root}/snapshots`)]);
      incomplete.move();
    });
  }

  async mount(id: string): Promise<Mount> {
    const mount: Mount = { root: `${this.#path(id)}/${MERGED}` };
    if (this.#isMounted(mount.root)) return mount;
    using mounting = await this.mounting(await this.#find(id));
    await withStorageErrors(`Cannot mount the snapshot for ${id}`, () => {
      if (!isMounted(mount.root, this.calls)) mounting.mount(mount.root);
    });
    return mount;
  }

  async unmount(id: string): Promise<void> {
    const target = `${this.#path(id)}/${MERGED}`;
    await withStorageErrors(`Cannot unmount the snapshot for ${id}`, async () => {
      if (this.#mayBeMounted(target)) await unmountAllBlocking(target, this.calls);
    });
  }

  async remove(id: string): Promise<void> {
    await this.unmount(id);
    await withStorageErrors(`Cannot remove the snapshot for ${id}`, async () => {
      const dir = await this.#stagingPath();
      try {
        Deno.renameSync(this.#path(id), dir);
      } catch (thrown) {
        if (thrown instanceof Deno.errors.NotFound) return;
        throw thrown;
      }
      await removeDir(dir);
    });
  }

  /** A new path in the staging directory. */
  async #stagingPath(): Promise<string> {
    await makeDirDurably(`${this.root}/ingest`, 0o700);
    return `${this.root}/ingest/${crypto.randomUUID()}`;
  }

  async usage(id: string): Promise<Usage> {
    const snapshot = await this.#find(id);
    try {
      return await withStorageErrors(`Cannot measure the snapshot for ${id}`, () => this.measure(snapshot));
    } catch (thrown) {
      // A snapshot that is removed meanwhile is not_found, not a storage failure.
      await this.#find(id);
      throw thrown;
    }
  }

  async *diff(id: string, assumed?: ReadonlySet<ByteString>): AsyncGenerator<Change> {
    const snapshot = await this.#find(id);
    try {
      yield* this.compare(snapshot, assumed);
    } catch (thrown) {
      throw storageFailure(`Cannot compare the snapshot for ${id} with its layers`, thrown);
    }
  }

  async list(): Promise<string[]> {
    const names = await withStorageErrors("Cannot list the snapshots", () => namesIn(`${this.root}/snapshots`));
    return names.filter((name) => ID.test(name));
  }

  async isComplete(id: string): Promise<boolean> {
    // Not every file system persists operations in order, so the parts are checked too.
    const hasParts = [MERGED, ...this.parts].every((part) => exists(`${this.#path(id)}/${part}`));
    return hasParts && Array.isArray(await this.#layersOf(id));
  }

  /** Returns false if there is no such directory. */
  #isMounted(dir: string): boolean {
    try {
      return isMounted(dir, this.calls);
    } catch (thrown) {
      if (isErrno(thrown, "ENOENT")) return false;
      throw thrown;
    }
  }

  /** Returns true if that can't be determined, so that an unmount is tried even when the disk fails. */
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

  /** Finds a snapshot and the layers that it was prepared with. @throws {TsdError} not_found, storage */
  async #find(id: string): Promise<SnapshotPaths> {
    const dir = this.#path(id);
    const layers = await this.#layersOf(id);
    if (layers === undefined) throw new TsdError("not_found", `There is no snapshot for ${id}`);
    if (layers !== "damaged") return { id, dir, layers };
    const path = `${dir}/${LAYERS_NAME}`;
    throw new TsdError("storage", `The snapshot for ${id} is damaged: ${path} holds no list of layers`);
  }

  /** Returns undefined if there is no such snapshot. @throws {TsdError} storage */
  async #layersOf(id: string): Promise<readonly Digest[] | "damaged" | undefined> {
    const path = `${this.#path(id)}/${LAYERS_NAME}`;
    const text = await withStorageErrors(`Cannot read about the snapshot for ${id}`, () => readIfExists(path));
    return text === undefined ? undefined : decodeLayers(text) ?? "damaged";
  }
}
