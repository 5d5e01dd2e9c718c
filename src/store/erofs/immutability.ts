/**
 * Protects a layer's files from accidental writes and removal (the immutable flag), and lets the kernel detect on-disk
 * corruption when it reads them (fs-verity). Both are best effort: they need support by the file system and privileges.
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
import { withStorageErrors } from "../directory_driver/storage_failure.ts";
import { StagingDir } from "../directory_driver/staging_dir.ts";

export type ImmutabilityCalls = FileCalls & FileFlagCalls;

/** In the order in which they are set: no other attribute can be set on an immutable file. */
const KINDS = ["fs-verity", "immutable"] as const;
type Kind = typeof KINDS[number];

/** The file system or the kernel lacks support, or the engine lacks privileges; ENOPKG: the kernel lacks SHA-256. */
const UNSUPPORTED: readonly ErrnoName[] = ["ENOTTY", "EOPNOTSUPP", "ENOSYS", "EINVAL", "EPERM", "EACCES", "ENOPKG"];

export class Immutability {
  readonly #calls: ImmutabilityCalls;
  /** Protections that can't be set here, learned from the first file, and why. */
  readonly #missing = new Map<Kind, string>();

  constructor(calls: ImmutabilityCalls = { ...files, ...fileFlags }) {
    this.#calls = calls;
  }

  /** Protects a file that is closed and synced. @throws {SysError} for failures other than missing support */
  protect(path: string): void {
    if (this.#missing.size === KINDS.length) return;
    using file = this.#open(path);
    this.#try("fs-verity", () => this.#enableVerity(file.fd));
    this.#try("immutable", () => {
      this.#calls.setFileFlags(file.fd, this.#calls.fileFlags(file.fd) | FS_FL.IMMUTABLE);
    });
  }

  /** Makes a file replaceable; succeeds if the file isn't protected or doesn't exist. */
  unprotect(path: string): void {
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

  /** Probes which protections work below `root` and describes them as text. @throws {TsdError} storage */
  async describe(root: string): Promise<string> {
    await withStorageErrors("Cannot try to seal a file", async () => {
      await using stagingDir = await StagingDir.create(root);
      await Deno.writeTextFile(`${stagingDir.path}/probe`, "sealed");
      this.protect(`${stagingDir.path}/probe`);
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

  /**
   * A child process between fork and exec holds our descriptors, which makes the call fail: the file then stays
   * without.
   */
  #enableVerity(fd: number): void {
    try {
      this.#calls.enableVerity(fd);
    } catch (thrown) {
      if (!isErrno(thrown, "EEXIST", "ETXTBSY")) throw thrown;
    }
  }
}
