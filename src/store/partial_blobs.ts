/**
 * @module
 * The compressed bytes of large layers while they are downloaded, one file each (`parts/<hex of the blob's digest>`), so
 * that a download goes on where an engine that ended or a lost connection left it. Nothing is synced and nothing trusted:
 * a part is only what needn't be asked for again, and the layer's digest decides. Whoever works with a part holds its
 * lock; what holds none was left.
 */
import { type Digest, digestOfHex, hexOf } from "../image/digest.ts";
import { storageError } from "../io/mod.ts";
import { namesIn } from "./directory_driver/staging_dir.ts";

/** Smaller layers are downloaded again sooner than all of them would be written twice. */
export const PART_FROM_BYTES = 64 * 2 ** 20;

const READ_BYTES = 256 << 10;
/** Chunks of the network are small, and each write costs a system call. */
const WRITE_BYTES = 256 << 10;
const HEX_DIGEST = /^[0-9a-f]{64}$/;
const OPEN_TRIES = 4;

/** A part that nobody works with. */
export interface PartialBlob {
  /** Of the blob. */
  readonly digest: Digest;
  readonly bytes: number;
  /** When it grew last, in Unix time, ms. */
  readonly changedMs: number;
}

/** All parts of an engine. Safe to construct several times over one folder, in several Workers. */
export class PartialBlobs {
  readonly #dir: string;

  /** @param root the driver's folder below the data-root */
  constructor(root: string) {
    this.#dir = `${root}/parts`;
  }

  /**
   * The part of a blob, made when it is missing; close or discard it. Undefined: another download has it. One that is
   * longer than the blob is begun anew.
   * @throws {TsdError} storage, storage_full
   */
  async open(digest: Digest, sizeBytes: number): Promise<PartialBlobWriter | undefined> {
    const path = `${this.#dir}/${hexOf(digest)}`;
    try {
      await Deno.mkdir(this.#dir, { recursive: true, mode: 0o700 });
      for (let attempt = 0; attempt < OPEN_TRIES; attempt++) {
        const file = await Deno.open(path, { read: true, write: true, create: true, mode: 0o600 });
        if (!file.tryLockSync(true)) return void file.close();
        // Somebody may have removed it before the lock was taken.
        if (isSame(file.statSync(), path)) return new PartialBlobWriter(path, file, sizeBytes);
        file.close();
      }
      return undefined;
    } catch (thrown) {
      throw storageError(`Cannot open the part of layer ${digest}`, thrown);
    }
  }

  /** Those that nobody works with. @throws {TsdError} storage */
  async left(): Promise<PartialBlob[]> {
    const found: PartialBlob[] = [];
    for (const name of await namesIn(this.#dir)) {
      if (!HEX_DIGEST.test(name)) continue;
      const digest = digestOfHex(name);
      await this.#whenLeft(digest, ({ size, mtime }) => {
        found.push({ digest, bytes: size, changedMs: mtime?.getTime() ?? 0 });
      });
    }
    return found;
  }

  /** Removes one that nobody works with. Gives its bytes; undefined when it is in use or has gone. @throws {TsdError} storage */
  async remove(digest: Digest): Promise<number | undefined> {
    return await this.#whenLeft(digest, ({ size }, path) => {
      Deno.removeSync(path);
      return size;
    });
  }

  async #whenLeft<T>(digest: Digest, use: (info: Deno.FileInfo, path: string) => T): Promise<T | undefined> {
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

/** One part, held by a download. Its bytes are the beginning of the blob, as far as anybody knows. */
export class PartialBlobWriter {
  readonly #path: string;
  readonly #file: Deno.FsFile;
  readonly #waiting = new Uint8Array(WRITE_BYTES);
  #waitingBytes = 0;
  #heldBytes: number;
  #isAbandoned = false;

  constructor(path: string, file: Deno.FsFile, sizeBytes: number) {
    this.#path = path;
    this.#file = file;
    this.#heldBytes = file.statSync().size;
    if (this.#heldBytes > sizeBytes) this.restart();
  }

  /** Bytes that are there. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** What is there. @throws {TsdError} storage */
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

  /** Adds what comes next. A disk that has no room for it, or is broken, is no reason to stop: the part is given up. */
  append(bytes: Uint8Array): void {
    if (this.#isAbandoned) return;
    for (let at = 0; at < bytes.length;) {
      const portion = bytes.subarray(at, at + WRITE_BYTES - this.#waitingBytes);
      this.#waiting.set(portion, this.#waitingBytes);
      this.#waitingBytes += portion.length;
      at += portion.length;
      if (this.#waitingBytes === WRITE_BYTES) this.#write();
    }
  }

  /** Forgets what is there. */
  restart(): void {
    this.#waitingBytes = 0;
    this.#heldBytes = 0;
    this.#file.truncateSync(0);
  }

  /** The layer is in, or this isn't it. @throws {TsdError} storage */
  discard(): void {
    try {
      Deno.removeSync(this.#path);
    } catch (thrown) {
      if (!(thrown instanceof Deno.errors.NotFound)) throw storageError(`Cannot remove ${this.#path}`, thrown);
    } finally {
      this.#file.close();
    }
  }

  /** Leaves it to a later download, if there is something in it. */
  close(): void {
    if (!this.#isAbandoned) this.#write();
    if (this.#heldBytes === 0) this.discard();
    else this.#file.close();
  }

  #write(): void {
    const bytes = this.#waiting.subarray(0, this.#waitingBytes);
    this.#waitingBytes = 0;
    try {
      this.#file.seekSync(this.#heldBytes, Deno.SeekMode.Start);
      for (let at = 0; at < bytes.length;) at += this.#file.writeSync(bytes.subarray(at));
      this.#heldBytes += bytes.length;
    } catch (thrown) {
      this.#giveUp(thrown);
    }
  }

  /** Whatever is wrong with the disk, the layer itself meets with it too, and says so. The file goes when this is closed. */
  #giveUp(thrown: unknown): void {
    if (!(thrown instanceof Error)) throw thrown;
    this.#isAbandoned = true;
    this.#heldBytes = 0;
    try {
      this.#file.truncateSync(0);
    } catch (again) {
      if (!(again instanceof Error)) throw again;
    }
  }
}

function isSame(info: Deno.FileInfo, path: string): boolean {
  try {
    const there = Deno.lstatSync(path);
    return there.ino === info.ino && there.dev === info.dev;
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return false;
    throw thrown;
  }
}
