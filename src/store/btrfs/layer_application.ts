/**
 * Puts a layer, as `overlay2` unpacks it, over the tree of those below it: what overlayfs does at each look is done once.
 * Files share their data. Folders are found by their way from the root, so that none is open while what is in it is worked
 * on: layers may be very deep.
 */
import { removeTree } from "../../archive/mod.ts";
import { AT, cBytes, cString, type FileStatus, O, OwnedFd, S } from "../../sys/mod.ts";
import type { ByteString } from "../../tar/mod.ts";
import { CooperativeYield } from "../directory_driver/cooperative_yield.ts";
import { BENEATH } from "../overlay2/directory_cache.ts";
import type { SubvolumeCalls } from "./calls.ts";
import { copyAttributes, createNode } from "./clone_entry.ts";

const DIR = O.RDONLY | O.DIRECTORY | O.NOFOLLOW;
const OPAQUE = cString("trusted.overlay.opaque");
/** Nobody else may look into what isn't finished. */
const INCOMPLETE = 0o700;
const ROOT: ByteString = "";
const below = (way: ByteString, name: ByteString): ByteString => way === ROOT ? name : `${way}/${name}`;

/** Their roots. */
export interface Trees {
  readonly layer: OwnedFd;
  readonly target: OwnedFd;
}

/** Puts the layer over what is in the target. The root's own attributes stay. @throws {SysError} */
export async function applyLayer(trees: Trees, calls: SubvolumeCalls): Promise<void> {
  await new Application(trees, calls).dir(ROOT);
}

/**
 * Makes a layer's files, which nothing lies below, into a tree: without marks that hide something, and without what it
 * takes to give the tar back.
 * @throws {SysError}
 */
export async function withoutMarks(files: OwnedFd, tree: OwnedFd, calls: SubvolumeCalls): Promise<void> {
  for (const name of ["skeleton.gz", "shadow"]) removeTree(files.fd, name, calls);
  const turn = new CooperativeYield();
  const visit = async (way: ByteString): Promise<void> => {
    const inner: ByteString[] = [];
    {
      using dir = opened(tree, way, calls);
      for (const { name, type } of unmarked(dir, calls)) if (type === S.IFDIR) inner.push(below(way, name));
    }
    await turn.yieldIfLong();
    for (const each of inner) await visit(each);
  };
  await visit(ROOT);
}

/** What is left in a folder once marks are taken away; its times stay. */
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

class Application {
  readonly #trees: Trees;
  readonly #calls: SubvolumeCalls;
  readonly #turn = new CooperativeYield();
  /** Where a file with several names has the first one, by its inode in the layer. */
  readonly #firstNames = new Map<bigint, ByteString>();

  constructor(trees: Trees, calls: SubvolumeCalls) {
    this.#trees = trees;
    this.#calls = calls;
  }

  /** A folder that is on both sides; in the target perhaps only since a moment ago, with nothing in it. */
  async dir(way: ByteString, isNew = false): Promise<void> {
    for (const inner of this.#entries(way, isNew)) await this.dir(inner.way, inner.isNew);
    await this.#turn.yieldIfLong();
    if (way === ROOT) return;
    // Last, since everything that happens in a folder changes its times.
    using from = opened(this.#trees.layer, way, this.#calls);
    using to = opened(this.#trees.target, way, this.#calls);
    copyAttributes(from.fd, to.fd, this.#calls);
  }

  /** Carries out all but folders, and gives these. */
  #entries(way: ByteString, isNew: boolean): { readonly way: ByteString; readonly isNew: boolean }[] {
    const calls = this.#calls;
    using from = opened(this.#trees.layer, way, calls);
    using to = opened(this.#trees.target, way, calls);
    if (isOpaque(from, calls)) { for (const { name } of calls.readDir(to.fd)) removeTree(to.fd, name, calls); }
    // To look for each name by itself would cost an error for nearly all of them.
    const before = new Map(isNew ? [] : calls.readDir(to.fd).map(({ name, type }) => [name, type]));
    const inner: { way: ByteString; isNew: boolean }[] = [];
    for (const { name } of calls.readDir(from.fd)) {
      const status = calls.statx(from.fd, cBytes(name), AT.SYMLINK_NOFOLLOW);
      const isDir = (status.mode & S.IFMT) === S.IFDIR;
      const was = before.get(name);
      if (isDir) inner.push({ way: below(way, name), isNew: was !== S.IFDIR });
      if (isDir && was === S.IFDIR) continue;
      if (was !== undefined) removeTree(to.fd, name, calls);
      if (isDir) calls.mkdirat(to.fd, cBytes(name), INCOMPLETE);
      else if (!isWhiteout(status)) this.#create(from, to, way, name, status);
    }
    return inner;
  }

  #create(from: OwnedFd, to: OwnedFd, way: ByteString, name: ByteString, status: FileStatus): void {
    const firstName = this.#firstNames.get(status.inode);
    if (firstName !== undefined) {
      return this.#calls.linkat(this.#trees.target.fd, cBytes(firstName), to.fd, cBytes(name));
    }
    createNode({ fromFd: from.fd, toFd: to.fd, name, status }, this.#calls);
    if (status.linkCount > 1) this.#firstNames.set(status.inode, below(way, name));
  }
}

function opened(root: OwnedFd, way: ByteString, calls: SubvolumeCalls): OwnedFd {
  return new OwnedFd(
    calls.openat2(root.fd, cBytes(way === ROOT ? "." : way), { flags: DIR, resolve: BENEATH }),
    calls,
  );
}

function isOpaque(dir: OwnedFd, calls: SubvolumeCalls): boolean {
  return calls.fgetxattr(dir.fd, OPAQUE) !== undefined;
}

const isWhiteout = ({ mode, nodeDevice: { major, minor } }: FileStatus): boolean =>
  (mode & S.IFMT) === S.IFCHR && major === 0 && minor === 0;
