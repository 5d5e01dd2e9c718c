/**
 * Folders under `ingest/`: everything that isn't finished yet, and everything that is being deleted, is in one, so that
 * what a crash leaves behind is found in one place. Its owner holds a lock for as long as it works in it.
 */
import { TsdError } from "../../errors.ts";
import { makeDirDurably } from "../../io/mod.ts";
import { isErrno, type OwnedFd, tryLock } from "../../sys/mod.ts";
import { removeDir } from "./clearing.ts";
import type { DeferredRemoval } from "./deferred_removal.ts";
import { detachMountsBelow } from "./mounts_below.ts";

const LOCK = "lock";
/** In a workspace: a whole layer that was removed. */
export const REMOVED = "removed";
const CREATE_TRIES = 8;

/** A locked folder of one's own; disposing of it removes it with all that is left in it. */
export class StagingDir implements AsyncDisposable {
  readonly #lock: OwnedFd;

  private constructor(readonly path: string, lock: OwnedFd) {
    this.#lock = lock;
  }

  /** Makes one under `root`'s `ingest/`. @throws {TsdError} or a file-system error */
  static async create(root: string): Promise<StagingDir> {
    await makeDirDurably(`${root}/ingest`, 0o700);
    for (let attempt = 1; attempt <= CREATE_TRIES; attempt++) {
      const path = `${root}/ingest/${crypto.randomUUID()}`;
      Deno.mkdirSync(path, { mode: 0o700 });
      const lock = lockOf(path);
      // A sweep that ran just now may have got hold of the folder before its lock was taken.
      if (lock !== undefined) return new StagingDir(path, lock);
    }
    throw new TsdError("storage", `Cannot make a folder in ${root}/ingest: something keeps removing or locking it`);
  }

  /** The same for a folder that somebody left behind; undefined: its owner is still at work, or it is gone. */
  static restore(path: string): StagingDir | undefined {
    const lock = lockOf(path);
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

/** Most have nothing left in them: that takes no other thread. False: this one has, or it can't be told. */
function removeEmpty(path: string): boolean {
  try {
    Deno.removeSync(`${path}/${LOCK}`);
    Deno.removeSync(path);
    return true;
  } catch (thrown) {
    if (thrown instanceof Error) return false; // Whoever looks closer says what is wrong.
    throw thrown;
  }
}

function lockOf(path: string): OwnedFd | undefined {
  try {
    const lock = tryLock(`${path}/${LOCK}`);
    return lock === "held" ? undefined : lock;
  } catch (thrown) {
    if (isErrno(thrown, "ENOENT")) return undefined;
    throw thrown;
  }
}

/**
 * Removes what crashed or killed processes left in `root`'s `ingest/`; what others are at work on stays. To be called
 * when an engine starts. Gives the number of folders that go.
 * @param later what takes care of whole layers, which would hold up the start
 */
export async function sweepIngest(root: string, later?: DeferredRemoval): Promise<number> {
  let removed = 0;
  for (const name of await namesIn(`${root}/ingest`)) {
    const stagingDir = StagingDir.restore(`${root}/ingest/${name}`);
    if (stagingDir === undefined) continue;
    detachMountsBelow(stagingDir.path);
    if (later !== undefined && (await namesIn(stagingDir.path)).includes(REMOVED)) later.add(stagingDir);
    else await stagingDir[Symbol.asyncDispose]();
    removed++;
  }
  return removed;
}

/** Names in a folder; none when there is no such folder. */
export async function namesIn(path: string): Promise<string[]> {
  try {
    return (await Array.fromAsync(Deno.readDir(path))).map(({ name }) => name);
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return [];
    throw thrown;
  }
}
