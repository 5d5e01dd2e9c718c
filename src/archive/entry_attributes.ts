/**
 * Applies an archive entry's owner, mode, extended attributes and time to the file that was created, by its descriptor.
 */
import { AT, cBytes, cString, isErrno, S, type Timespec } from "../sys/mod.ts";
import type { ByteString, TarHeader } from "../tar/mod.ts";
import type { ArchiveCalls } from "./calls.ts";
import { settableXattrs } from "./entry_rules.ts";
import type { PinnedPath } from "./pinned_path.ts";

const SET_ID_BITS = S.ISUID | S.ISGID;
const ITSELF = cString("");

/**
 * Owner of unpacked files: as in the archive, the calling user, or a given user and group. With "caller", set-id bits
 * of files and capabilities are not set: they would give the caller's rights to every user.
 */
export type Owner = "archive" | "caller" | { readonly uid: number; readonly gid: number };

export const timeOf = ({ mtimeSeconds, mtimeNanos }: TarHeader): Timespec => ({
  seconds: BigInt(mtimeSeconds),
  nanoseconds: mtimeNanos,
});

/**
 * Sets the attributes of unpacked entries. Every call throws {@link SysError}; `set` also {@link TsdError}
 * archive_invalid.
 */
export class EntryAttributes {
  readonly #owner: Owner;
  readonly #calls: ArchiveCalls;

  constructor(owner: Owner, calls: ArchiveCalls) {
    this.#owner = owner;
    this.#calls = calls;
  }

  /**
   * Sets all attributes of a file or directory except the time, in this order: chown clears set-id bits and
   * capabilities.
   */
  set(fd: number, entry: TarHeader, mode: number): void {
    const owner = this.#ownerOf(entry);
    if (owner !== undefined) this.#calls.fchown(fd, owner.uid, owner.gid);
    const capabilities = owner !== undefined;
    for (const [key, value] of settableXattrs(entry.xattrs, entry.path, { capabilities })) {
      this.#optional(() => this.#calls.fsetxattr(fd, cBytes(key), value));
    }
    this.#calls.fchmod(fd, mode);
  }

  setOnLink(parent: PinnedPath, name: ByteString, entry: TarHeader): void {
    const owner = this.#ownerOf(entry);
    const time = timeOf(entry);
    if (owner !== undefined) {
      this.#calls.fchownat(parent.fd, cBytes(name), owner.uid, owner.gid, AT.SYMLINK_NOFOLLOW);
    }
    this.#calls.utimensat(parent.fd, cBytes(name), time, time, AT.SYMLINK_NOFOLLOW);
  }

  /** Sets the attributes of a device or FIFO. Never opens it: uses its O_PATH descriptor. */
  setOnNode(node: PinnedPath, entry: TarHeader): void {
    const owner = this.#ownerOf(entry);
    const time = timeOf(entry);
    const path = cString(node.handle.procPath);
    if (owner !== undefined) this.#calls.fchownat(node.fd, ITSELF, owner.uid, owner.gid, AT.EMPTY_PATH);
    this.#calls.fchmodat(AT.FDCWD, path, this.modeOf(entry));
    this.#calls.utimensat(AT.FDCWD, path, time, time);
  }

  modeOf({ mode, type }: TarHeader): number {
    return this.#owner === "caller" && type !== "directory" ? mode & ~SET_ID_BITS : mode;
  }

  #ownerOf({ uid, gid }: TarHeader): { readonly uid: number; readonly gid: number } | undefined {
    return this.#owner === "archive" ? { uid, gid } : this.#owner === "caller" ? undefined : this.#owner;
  }

  /** Runs `step`; ignores that the file system lacks extended attributes or that the caller may not set them. */
  #optional(step: () => void): void {
    try {
      step();
    } catch (thrown) {
      if (!isErrno(thrown, "EOPNOTSUPP", "EPERM")) throw thrown;
    }
  }
}
