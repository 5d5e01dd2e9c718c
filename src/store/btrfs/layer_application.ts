/**
 * Applies a layer, as `overlay2` unpacks it, to the tree of the layers below it: what overlayfs does at each lookup is
 * done once. Files share their data. Directories are opened by their path from the root, so that none stays open while
 * its children are processed: layers may be very deep.
 */
import { removeTree } from "../../archive/mod.ts";
import { AT, cBytes, cString, type FileStatus, O, OwnedFd, S } from "../../sys/mod.ts";
import type { ByteString } from "../../tar/mod.ts";
import { CooperativeYield } from "../directory_driver/cooperative_yield.ts";
import { BENEATH } from "../overlay2/directory_cache.ts";
import type { SubvolumeCalls } from "./calls.ts";
import { cloneEntry, copyAttributes } from "./clone_entry.ts";

const DIR = O.RDONLY | O.DIRECTORY | O.NOFOLLOW;
const OPAQUE = cString("trusted.overlay.opaque");
/** Not accessible by others until it is complete. */
const INCOMPLETE = 0o700;
const ROOT: ByteString = "";
const below = (path: ByteString, name: ByteString): ByteString => path === ROOT ? name : `${path}/${name}`;

/** The root directories of a layer and of the tree that it is applied to. */
export interface Trees {
  readonly layer: OwnedFd;
  readonly target: OwnedFd;
}

/** Applies the layer to the target. The root's own attributes stay. @throws {SysError} */
export async function applyLayer(trees: Trees, calls: SubvolumeCalls): Promise<void> {
  await new LayerApplication(trees, calls).dir(ROOT);
}

/**
 * Turns the files of a lowest layer into a tree: removes whiteouts and opaque marks, and what is needed to rebuild the
 * tar.
 * @throws {SysError}
 */
export async function removeMarks(files: OwnedFd, tree: OwnedFd, calls: SubvolumeCalls): Promise<void> {
  for (const name of ["skeleton.gz", "shadow"]) removeTree(files.fd, name, calls);
  const cooperativeYield = new CooperativeYield();
  const visit = async (path: ByteString): Promise<void> => {
    const inner: ByteString[] = [];
    {
      using dir = openBelow(tree, path, calls);
      for (const { name, type } of unmarked(dir, calls)) if (type === S.IFDIR) inner.push(below(path, name));
    }
    await cooperativeYield.yieldIfLong();
    for (const each of inner) await visit(each);
  };
  await visit(ROOT);
}

/** Removes a directory's marks, keeping its times, and returns the remaining entries. */
function unmarked(dir: OwnedFd, calls: SubvolumeCalls): { readonly name: ByteString; readonly type: number }[] {
  if (isOpaque(dir, calls)) calls.fremovexattr(dir.fd, OPAQUE);
  const { modifyTime } = calls.statx(dir.fd, cString(""), AT.EMPTY_PATH);
  const entries = calls.readDir(dir.fd);
  const isMark = ({ name, type }: { readonly name: ByteString; readonly type: number }) =>
    type === S.IFCHR && isWhiteout(calls.statx(dir.fd, cBytes(name), AT.SYMLINK_NOFOLLOW));
  const marks = entries.filter(isMark);
  if (marks.length === 0) return entries;
  for (const { name } of marks) calls.unlinkat(dir.fd, cBytes(name));
  calls.futimens(dir.fd, modifyTime, modifyTime);
  return entries.filter((entry) => !marks.includes(entry));
}

class LayerApplication {
  readonly #trees: Trees;
  readonly #calls: SubvolumeCalls;
  readonly #turn = new CooperativeYield();
  /** The first name of each file with several names, by its inode in the layer. */
  readonly #firstNames = new Map<bigint, ByteString>();

  constructor(trees: Trees, calls: SubvolumeCalls) {
    this.#trees = trees;
    this.#calls = calls;
  }

  /** Applies a directory that exists in both trees; with `isNew` it was just created in the target and is empty. */
  async dir(path: ByteString, isNew = false): Promise<void> {
    for (const inner of this.#entries(path, isNew)) await this.dir(inner.path, inner.isNew);
    await this.#turn.yieldIfLong();
    if (path === ROOT) return;
    // Last, since every change of its entries sets a directory's times.
    using from = openBelow(this.#trees.layer, path, this.#calls);
    using to = openBelow(this.#trees.target, path, this.#calls);
    copyAttributes(from.fd, to.fd, this.#calls);
  }

  /** Applies everything but subdirectories, and returns these. */
  #entries(path: ByteString, isNew: boolean): { readonly path: ByteString; readonly isNew: boolean }[] {
    const calls = this.#calls;
    using from = openBelow(this.#trees.layer, path, calls);
    using to = openBelow(this.#trees.target, path, calls);
    if (isOpaque(from, calls)) { for (const { name } of calls.readDir(to.fd)) removeTree(to.fd, name, calls); }
    // Looking up each name separately would fail for nearly all of them, and errors are expensive.
    const existing = new Map(isNew ? [] : calls.readDir(to.fd).map(({ name, type }) => [name, type]));
    const inner: { path: ByteString; isNew: boolean }[] = [];
    for (const { name } of calls.readDir(from.fd)) {
      const status = calls.statx(from.fd, cBytes(name), AT.SYMLINK_NOFOLLOW);
      const isDir = (status.mode & S.IFMT) === S.IFDIR;
      const existingType = existing.get(name);
      if (isDir) inner.push({ path: below(path, name), isNew: existingType !== S.IFDIR });
      if (isDir && existingType === S.IFDIR) continue;
      if (existingType !== undefined) removeTree(to.fd, name, calls);
      if (isDir) calls.mkdirat(to.fd, cBytes(name), INCOMPLETE);
      else if (!isWhiteout(status)) this.#create(from, to, path, name, status);
    }
    return inner;
  }

  #create(from: OwnedFd, to: OwnedFd, path: ByteString, name: ByteString, status: FileStatus): void {
    const firstName = this.#firstNames.get(status.inode);
    if (firstName !== undefined) {
      return this.#calls.linkat(this.#trees.target.fd, cBytes(firstName), to.fd, cBytes(name));
    }
    cloneEntry({ fromFd: from.fd, toFd: to.fd, name, status }, this.#calls);
    if (status.linkCount > 1) this.#firstNames.set(status.inode, below(path, name));
  }
}

function openBelow(root: OwnedFd, path: ByteString, calls: SubvolumeCalls): OwnedFd {
  return new OwnedFd(
    calls.openat2(root.fd, cBytes(path === ROOT ? "." : path), { flags: DIR, resolve: BENEATH }),
    calls,
  );
}

function isOpaque(dir: OwnedFd, calls: SubvolumeCalls): boolean {
  return calls.fgetxattr(dir.fd, OPAQUE) !== undefined;
}

const isWhiteout = ({ mode, nodeDevice: { major, minor } }: FileStatus): boolean =>
  (mode & S.IFMT) === S.IFCHR && major === 0 && minor === 0;
