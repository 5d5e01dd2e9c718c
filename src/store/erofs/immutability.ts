/**
 * Seals on a layer's files: nobody writes to them or removes them by mistake (the immutable flag), and the kernel finds what
 * a disk has changed when it is read (fs-verity). Both where the file system has them and we may; they are no promise.
 */
import {
  cString,
  type ErrnoName,
  type FileCalls,
  type FileFlagCalls,
  fileFlags,
  files,
  FS_FL,
  isErrno,
  O,
  OwnedFd,
} from "../../sys/mod.ts";
import { attempting } from "../directory_driver/storage_failure.ts";
import { StagingDir } from "../directory_driver/staging_dir.ts";

export type ImmutabilityCalls = FileCalls & FileFlagCalls;

/** In the order in which they are set: an immutable file gets no other. */
const KINDS = ["fs-verity", "immutable"] as const;
type Kind = typeof KINDS[number];

/** The file system, the kernel or our capabilities haven't got it; ENOPKG: the kernel lacks SHA-256. */
const UNSUPPORTED: readonly ErrnoName[] = ["ENOTTY", "EOPNOTSUPP", "ENOSYS", "EINVAL", "EPERM", "EACCES", "ENOPKG"];

export class Immutability {
  readonly #calls: ImmutabilityCalls;
  /** What can't be set here, found out by the first file, and why. */
  readonly #missing = new Map<Kind, string>();

  constructor(calls: ImmutabilityCalls = { ...files, ...fileFlags }) {
    this.#calls = calls;
  }

  /** To be called once the file is closed and on disk. @throws {SysError} other than that it can't be done */
  seal(path: string): void {
    if (this.#missing.size === KINDS.length) return;
    using file = this.#open(path);
    this.#try("fs-verity", () => this.#enableVerity(file.fd));
    this.#try("immutable", () => {
      this.#calls.setFileFlags(file.fd, this.#calls.fileFlags(file.fd) | FS_FL.IMMUTABLE);
    });
  }

  /** Lets a file be replaced, one that isn't sealed too; a missing one is no error. */
  unseal(path: string): void {
    if (this.#missing.has("immutable")) return;
    try {
      using file = this.#open(path);
      this.#try("immutable", () => {
        const flags = this.#calls.fileFlags(file.fd);
        if ((flags & FS_FL.IMMUTABLE) !== 0) this.#calls.setFileFlags(file.fd, flags & ~FS_FL.IMMUTABLE);
      });
    } catch (thrown) {
      if (!isErrno(thrown, "ENOENT")) throw thrown;
    }
  }

  /** What files below `root` get, found out by trying, in words. @throws {TsdError} storage */
  async describe(root: string): Promise<string> {
    await attempting("Cannot try to seal a file", async () => {
      await using stagingDir = await StagingDir.create(root);
      await Deno.writeTextFile(`${stagingDir.path}/probe`, "sealed");
      this.seal(`${stagingDir.path}/probe`);
    });
    const words = KINDS.toReversed().map((kind) =>
      this.#missing.has(kind) ? `no ${kind} (${this.#missing.get(kind)})` : kind
    );
    return words.join(", ");
  }

  #open(path: string): OwnedFd {
    return new OwnedFd(this.#calls.open(cString(path), O.RDONLY | O.NOFOLLOW), this.#calls);
  }

  #try(kind: Kind, set: () => void): void {
    if (this.#missing.has(kind)) return;
    try {
      set();
    } catch (thrown) {
      if (!isErrno(thrown, ...UNSUPPORTED)) throw thrown;
      this.#missing.set(kind, thrown.reason);
    }
  }

  /** A child that is just being started holds our descriptors until it executes its program: then this one goes without. */
  #enableVerity(fd: number): void {
    try {
      this.#calls.enableVerity(fd);
    } catch (thrown) {
      if (!isErrno(thrown, "EEXIST", "ETXTBSY")) throw thrown;
    }
  }
}
