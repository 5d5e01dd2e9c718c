/** A file of a tree, pinned by a descriptor. */
import { type FileStatus, type OwnedFd, S } from "../sys/mod.ts";
import type { ByteString } from "../tar/mod.ts";

/** A tree mounted at `path`; it covers what is there. */
export interface TreeMount {
  /** Canonical: no links, no `..`, no trailing slash; empty for the root. */
  readonly path: ByteString;
  /** A directory or a file. */
  readonly root: OwnedFd;
  readonly readOnly: boolean;
}

/**
 * A file of any type, as of its lookup. The O_PATH descriptor pins it: a file swapped in at the same path later is not
 * seen. Dispose of it.
 */
export class PinnedPath implements Disposable {
  constructor(
    /** Canonical path, a byte string; empty for the root. */
    readonly path: ByteString,
    readonly handle: OwnedFd,
    readonly status: FileStatus,
    /** The mount that the file belongs to. */
    readonly mount: TreeMount,
  ) {}

  get fd(): number {
    return this.handle.fd;
  }

  /** The file type: `S.IFDIR` and the like. */
  get type(): number {
    return this.status.mode & S.IFMT;
  }

  get isDir(): boolean {
    return this.type === S.IFDIR;
  }

  get isLink(): boolean {
    return this.type === S.IFLNK;
  }

  /** Whether it is the root of a mount, which can't be removed or replaced. */
  get isMountPoint(): boolean {
    return this.path === this.mount.path;
  }

  [Symbol.dispose](): void {
    this.handle.close();
  }
}

/** Returns the absolute path for messages and for the API. */
export const absolute = (path: ByteString): ByteString => path === "" ? "/" : path;
