/** Something in a tree of files, pinned by a descriptor. */
import { type FileStatus, type OwnedFd, S } from "../sys/mod.ts";
import type { ByteString } from "../tar/mod.ts";

/** A tree that is seen at `path` instead of what lies there. */
export interface TreeMount {
  /** Canonical: no links, no `..`, no slash at its end; the root's is empty. */
  readonly path: ByteString;
  /** A folder, or a file. */
  readonly root: OwnedFd;
  readonly readOnly: boolean;
}

/**
 * A file, folder, link or anything else, as it was when it was looked up. The descriptor (O_PATH) is the very thing: what
 * is swapped in for it meanwhile isn't seen. Dispose of it.
 */
export class PinnedPath implements Disposable {
  constructor(
    /** Where it was found: canonical, empty for the root. A byte string. */
    readonly path: ByteString,
    readonly handle: OwnedFd,
    readonly status: FileStatus,
    /** The tree that it is in. */
    readonly mount: TreeMount,
  ) {}

  get fd(): number {
    return this.handle.fd;
  }

  /** `S.IFDIR` and the like. */
  get type(): number {
    return this.status.mode & S.IFMT;
  }

  get isDir(): boolean {
    return this.type === S.IFDIR;
  }

  get isLink(): boolean {
    return this.type === S.IFLNK;
  }

  /** Whether a mount begins here: then it can't be removed or replaced. */
  get isMountPoint(): boolean {
    return this.path === this.mount.path;
  }

  [Symbol.dispose](): void {
    this.handle.close();
  }
}

/** A path from the root on, for people and for the API. */
export const absolute = (path: ByteString): ByteString => path === "" ? "/" : path;
