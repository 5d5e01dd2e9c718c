/**
 * Staging directories under `ingest/`: everything incomplete and everything being deleted is in one, so that the
 * leftovers of a crash are all in one location. The owner of a staging directory holds a lock in it while it uses it.
 */
import { TsdError } from "../../errors.ts";
import { makeDirDurably } from "../../io/mod.ts";
import { isErrno, type OwnedFd, tryLock } from "../../sys/mod.ts";
import { removeDir } from "./clearing.ts";
import type { DeferredRemoval } from "./deferred_removal.ts";
import { detachMountsBelow } from "./mounts_below.ts";

const LOCK = "lock";
/** In a staging directory: a removed layer, with all its files. */
export const REMOVED = "removed";
const CREATE_TRIES = 8;

/** A locked staging directory; disposing of it deletes it with its content. */
export class StagingDir implements AsyncDisposable {
  readonly #lock: OwnedFd;

  private constructor(readonly path: string, lock: OwnedFd) {
    this.#lock = lock;
  }

  /** Creates one under `root`'s `ingest/`. @throws {TsdError} or a file-system error */
  static async create(root: string): Promise<StagingDir> {
    await makeDirDurably(`${root}/ingest`, 0o700);
    for (let attempt = 1; attempt <= CREATE_TRIES; attempt++) {
      const path = `${root}/ingest/${crypto.randomUUID()}`;
      Deno.mkdirSync(path, { mode: 0o700 });
      const lock = tryLockDir(path);
      // A concurrent sweep may have locked the directory first.
      if (lock !== undefined) return new StagingDir(path, lock);
    }
    throw new TsdError("storage", `Cannot make a folder in ${root}/ingest: something keeps removing or locking it`);
  }

  /** Takes over a directory that a crash left; undefined if its owner is still using it or it was removed. */
  static restore(path: string): StagingDir | undefined {
    const lock = tryLockDir(path);
    return lock === undefined ? undefined : new StagingDir(path, lock);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      if (!removeEmpty(this.path)) await removeDir(this.path);
    } finally {
      this.#lock.close();
    }
  }
}

/** Most are empty by then, and removing them here needs no other thread. Returns false if it has content or fails. */
function removeEmpty(path: string): boolean {
  try {
    Deno.removeSync(`${path}/${LOCK}`);
    Deno.removeSync(path);
    return true;
  } catch (thrown) {
    if (thrown instanceof Error) return false; // The full removal reports the cause.
    throw thrown;
  }
}

function tryLockDir(path: string): OwnedFd | undefined {
  try {
    const lock = tryLock(`${path}/${LOCK}`);
    return lock === "held" ? undefined : lock;
  } catch (thrown) {
    if (isErrno(thrown, "ENOENT")) return undefined;
    throw thrown;
  }
}

/**
 * Deletes what crashed or killed processes left in `root`'s `ingest/`; directories in use stay. Call it when an engine
 * starts. Returns the number of directories that are being deleted.
 * @param deferredRemoval deletes whole layers, which would delay the start
 */
export async function sweepIngest(root: string, deferredRemoval?: DeferredRemoval): Promise<number> {
  let removed = 0;
  for (const name of await namesIn(`${root}/ingest`)) {
    const stagingDir = StagingDir.restore(`${root}/ingest/${name}`);
    if (stagingDir === undefined) continue;
    detachMountsBelow(stagingDir.path);
    if (deferredRemoval !== undefined && (await namesIn(stagingDir.path)).includes(REMOVED)) {
      deferredRemoval.add(stagingDir);
    } else await stagingDir[Symbol.asyncDispose]();
    removed++;
  }
  return removed;
}

/** Lists the names in a directory; none if it doesn't exist. */
export async function namesIn(path: string): Promise<string[]> {
  try {
    return (await Array.fromAsync(Deno.readDir(path))).map(({ name }) => name);
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return [];
    throw thrown;
  }
}
