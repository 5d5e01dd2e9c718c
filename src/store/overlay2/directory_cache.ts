/** Descriptors of a tree's folders, so that a file is made with one name relative to its folder and no path walk. */
import { cBytes, type FileCalls, O, RESOLVE } from "../../sys/mod.ts";
import { type DirectoryNode, pathOf } from "../layer_tree.ts";

/** Tars come folder by folder: a few levels and their neighbours are enough. */
const CAPACITY = 128;

/** How folders below a layer's root are opened: never through a link, never out of the root or into a mount. */
export const BENEATH = RESOLVE.BENEATH | RESOLVE.NO_SYMLINKS | RESOLVE.NO_MAGICLINKS | RESOLVE.NO_XDEV;

export class DirectoryCache implements Disposable {
  readonly #calls: FileCalls;
  readonly #rootFd: number;
  /** Least recently used first. A folder that was removed just ages: its node is never asked for again. */
  readonly #open = new Map<DirectoryNode, number>();
  #last: DirectoryNode | undefined;
  #lastFd = -1;

  /** `rootFd` stays the caller's. */
  constructor(calls: FileCalls, rootFd: number) {
    this.#calls = calls;
    this.#rootFd = rootFd;
  }

  /** An O_PATH descriptor of the folder, which holds at least until two other folders were asked for. */
  fdOf(dir: DirectoryNode): number {
    if (dir === this.#last) return this.#lastFd;
    const fd = dir.parent === null ? this.#rootFd : this.#lookUp(dir, dir.parent);
    this.#last = dir;
    this.#lastFd = fd;
    return fd;
  }

  [Symbol.dispose](): void {
    for (const fd of this.#open.values()) this.#calls.close(fd);
    this.#open.clear();
    this.#last = undefined;
  }

  #lookUp(dir: DirectoryNode, parent: DirectoryNode): number {
    const known = this.#open.get(dir);
    if (known !== undefined) {
      this.#open.delete(dir);
      this.#open.set(dir, known);
      return known;
    }
    const parentFd = parent.parent === null ? this.#rootFd : this.#open.get(parent);
    const path = parentFd === undefined ? pathOf(dir) : dir.name;
    const fd = this.#calls.openat2(parentFd ?? this.#rootFd, cBytes(path), {
      flags: O.PATH | O.DIRECTORY | O.NOFOLLOW,
      resolve: BENEATH,
    });
    this.#open.set(dir, fd);
    if (this.#open.size > CAPACITY) this.#evict();
    return fd;
  }

  #evict(): void {
    for (const [dir, fd] of this.#open) {
      this.#open.delete(dir);
      this.#calls.close(fd);
      return;
    }
  }
}
