/** Caches descriptors of a tree's directories, so that creating a file takes a single name and no path walk. */
import { cBytes, type FileCalls, O, RESOLVE } from "../../sys/mod.ts";
import { type DirectoryNode, pathOf } from "../layer_tree.ts";

/** Tars are ordered by directory: a few levels and their siblings are enough. */
const CAPACITY = 128;

/** How directories below a layer's root are opened: never through a link, out of the root, or into a mount. */
export const BENEATH = RESOLVE.BENEATH | RESOLVE.NO_SYMLINKS | RESOLVE.NO_MAGICLINKS | RESOLVE.NO_XDEV;

export class DirectoryCache implements Disposable {
  readonly #calls: FileCalls;
  readonly #rootFd: number;
  /** Least recently used first. The entry of a removed directory just ages: its node is not looked up again. */
  readonly #open = new Map<DirectoryNode, number>();
  #last: DirectoryNode | undefined;
  #lastFd = -1;

  /** @param rootFd remains owned by the caller */
  constructor(calls: FileCalls, rootFd: number) {
    this.#calls = calls;
    this.#rootFd = rootFd;
  }

  /** Returns an O_PATH descriptor of the directory, valid at least until two other directories were looked up. */
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
    const cached = this.#open.get(dir);
    if (cached !== undefined) {
      this.#open.delete(dir);
      this.#open.set(dir, cached);
      return cached;
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
