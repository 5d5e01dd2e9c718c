/**
 * @module
 * The compressed bytes of large layers that are being downloaded, one file each (`parts/<hex of the blob's digest>`),
 * so that a download resumes after a restart of the engine or a lost connection. Nothing is synced or trusted: a
 * partial blob only saves download, and the layer's digest decides. The user of a partial blob holds its lock; without
 * a lock it is unused.
 */
import { type Digest, digestOfHex, hexOf } from "../image/digest.ts";
import { storageError } from "../io/mod.ts";
import { namesIn } from "./directory_driver/staging_dir.ts";

/** Minimum size for partial blobs. Downloading a smaller layer again takes less time than writing all of them twice. */
export const PART_FROM_BYTES = 64 * 2 ** 20;

const READ_BYTES = 256 << 10;
/** Network chunks are small, and each write costs a system call. */
const WRITE_BYTES = 256 << 10;
const HEX_DIGEST = /^[0-9a-f]{64}$/;
const OPEN_TRIES = 4;

/** A partial blob that is not in use. */
export interface PartialBlob {
  /** Digest of the complete blob. */
  readonly digest: Digest;
  readonly bytes: number;
  /** Time of the last write, in ms of Unix time. */
  readonly changedMs: number;
}

/** The partial blobs of an engine. Several instances, also in several Workers, may use the same directory. */
export class PartialBlobs {
  readonly #dir: string;

  /** @param root the driver's directory below the data-root */
  constructor(root: string) {
    this.#dir = `${root}/parts`;
  }

  /**
   * Opens or creates the partial blob of a blob; the caller closes or discards it. Returns undefined if another
   * download is using it. One that is longer than the blob is truncated.
   * @param sizeBytes size of the complete blob
   * @throws {TsdError} storage, storage_full
   */
  async open(digest: Digest, sizeBytes: number): Promise<PartialBlobWriter | undefined> {
    const path = `${this.#dir}/${hexOf(digest)}`;
    try {
      await Deno.mkdir(this.#dir, { recursive: true, mode: 0o700 });
      for (let attempt = 0; attempt < OPEN_TRIES; attempt++) {
        const file = await Deno.open(path, { read: true, write: true, create: true, mode: 0o600 });
        if (!file.tryLockSync(true)) return void file.close();
        // It may have been removed before the lock was taken.
        if (isSame(file.statSync(), path)) return new PartialBlobWriter(path, file, sizeBytes);
        file.close();
      }
      return undefined;
    } catch (thrown) {
      throw storageError(`Cannot open the part of layer ${digest}`, thrown);
    }
  }

  /** Lists those that are not in use. @throws {TsdError} storage */
  async left(): Promise<PartialBlob[]> {
    const found: PartialBlob[] = [];
    for (const name of await namesIn(this.#dir)) {
      if (!HEX_DIGEST.test(name)) continue;
      const digest = digestOfHex(name);
      await this.#ifUnused(digest, ({ size, mtime }) => {
        found.push({ digest, bytes: size, changedMs: mtime?.getTime() ?? 0 });
      });
    }
    return found;
  }

  /**
   * Removes a partial blob that is not in use. Returns its size in bytes, or undefined if it is in use or doesn't
   * exist.
   * @throws {TsdError} storage
   */
  async remove(digest: Digest): Promise<number | undefined> {
    return await this.#ifUnused(digest, ({ size }, path) => {
      Deno.removeSync(path);
      return size;
    });
  }

  async #ifUnused<T>(digest: Digest, use: (info: Deno.FileInfo, path: string) => T): Promise<T | undefined> {
    const path = `${this.#dir}/${hexOf(digest)}`;
    try {
      using file = await Deno.open(path, { read: true, write: true });
      const info = file.statSync();
      return file.tryLockSync(true) && isSame(info, path) ? use(info, path) : undefined;
    } catch (thrown) {
      if (thrown instanceof Deno.errors.NotFound) return undefined;
      throw storageError(`Cannot look at the part of layer ${digest}`, thrown);
    }
  }
}

/** A partial blob, locked by a download. Its bytes are the (unverified) start of the blob. */
export class PartialBlobWriter {
  readonly #path: string;
  readonly #file: Deno.FsFile;
  readonly #buffer = new Uint8Array(WRITE_BYTES);
  #bufferedBytes = 0;
  #heldBytes: number;
  #isAbandoned = false;

  constructor(path: string, file: Deno.FsFile, sizeBytes: number) {
    this.#path = path;
    this.#file = file;
    this.#heldBytes = file.statSync().size;
    if (this.#heldBytes > sizeBytes) this.restart();
  }

  /** Number of bytes that are stored. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Yields the stored bytes. @throws {TsdError} storage */
  async *read(): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    for (let at = 0; at < this.#heldBytes;) {
      const buffer = new Uint8Array(Math.min(READ_BYTES, this.#heldBytes - at));
      let count: number | null;
      try {
        this.#file.seekSync(at, Deno.SeekMode.Start);
        count = this.#file.readSync(buffer);
      } catch (thrown) {
        throw storageError(`Cannot read ${this.#path}`, thrown);
      }
      if (count === null) return;
      at += count;
      yield buffer.subarray(0, count);
    }
  }

  /**
   * Appends the next bytes. If the disk is full or fails, the download continues and only the partial blob is
   * abandoned.
   */
  append(bytes: Uint8Array): void {
    if (this.#isAbandoned) return;
    for (let at = 0; at < bytes.length;) {
      const portion = bytes.subarray(at, at + WRITE_BYTES - this.#bufferedBytes);
      this.#buffer.set(portion, this.#bufferedBytes);
      this.#bufferedBytes += portion.length;
      at += portion.length;
      if (this.#bufferedBytes === WRITE_BYTES) this.#write();
    }
  }

  /** Discards the stored bytes. */
  restart(): void {
    this.#bufferedBytes = 0;
    this.#heldBytes = 0;
    this.#file.truncateSync(0);
  }

  /** Removes the file, once the layer is stored or the bytes turned out wrong. @throws {TsdError} storage */
  discard(): void {
    try {
      Deno.removeSync(this.#path);
    } catch (thrown) {
      if (!(thrown instanceof Deno.errors.NotFound)) throw storageError(`Cannot remove ${this.#path}`, thrown);
    } finally {
      this.#file.close();
    }
  }

  /** Closes the file and keeps it for a later download, unless it is empty. */
  close(): void {
    if (!this.#isAbandoned) this.#write();
    if (this.#heldBytes === 0) this.discard();
    else this.#file.close();
  }

  #write(): void {
    const bytes = this.#buffer.subarray(0, this.#bufferedBytes);
    this.#bufferedBytes = 0;
    try {
      this.#file.seekSync(this.#heldBytes, Deno.SeekMode.Start);
      for (let at = 0; at < bytes.length;) at += this.#file.writeSync(bytes.subarray(at));
      this.#heldBytes += bytes.length;
    } catch (thrown) {
      this.#abandon(thrown);
    }
  }

  /** If the disk fails, storing the layer fails too and reports it. The file is removed by {@link close}. */
  #abandon(thrown: unknown): void {
    if (!(thrown instanceof Error)) throw thrown;
    this.#isAbandoned = true;
    this.#heldBytes = 0;
    try {
      this.#file.truncateSync(0);
    } catch (secondError) {
      if (!(secondError instanceof Error)) throw secondError;
    }
  }
}

function isSame(info: Deno.FileInfo, path: string): boolean {
  try {
    const current = Deno.lstatSync(path);
    return current.ino === info.ino && current.dev === info.dev;
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return false;
    throw thrown;
  }
}
