/** Writes the data of a tar entry's file as it arrives. */
import type { DurabilityCalls, FileCalls } from "../sys/mod.ts";
import type { SparseExtent } from "../tar/mod.ts";

/** The fields of a tar entry that describe how its data is stored. */
export interface StoredFile {
  readonly sizeBytes: number;
  readonly storedBytes: number;
  readonly sparse: readonly SparseExtent[] | undefined;
}

type Calls = Pick<FileCalls, "write" | "pwrite"> & Pick<DurabilityCalls, "ftruncate">;

/** A file that is being written. The caller closes the descriptor. */
export class FileData {
  readonly #calls: Calls;
  readonly #fd: number;
  readonly #stored: StoredFile;
  #writtenBytes = 0;
  /** For sparse files: index of the current extent, and bytes written in it. */
  #extent = 0;
  #extentBytes = 0;

  constructor(calls: Calls, fd: number, stored: StoredFile) {
    this.#calls = calls;
    this.#fd = fd;
    this.#stored = stored;
  }

  get isWhole(): boolean {
    return this.#writtenBytes === this.#stored.storedBytes;
  }

  /** Writes the next piece. @throws {SysError} */
  write(bytes: Uint8Array): void {
    if (this.#stored.sparse === undefined) this.#append(bytes);
    else this.#writeExtents(this.#stored.sparse, bytes);
  }

  /**
   * Completes the file; call it once all data is written. Extends a sparse file by the hole after its last extent.
   * @throws {SysError}
   */
  finish(): void {
    if (this.#stored.sparse !== undefined) this.#calls.ftruncate(this.#fd, this.#stored.sizeBytes);
  }

  #append(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) {
      at += this.#calls.write(this.#fd, at === 0 ? bytes : bytes.subarray(at)) as number;
    }
    this.#writtenBytes += bytes.length;
  }

  #writeExtents(extents: readonly SparseExtent[], bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) {
      const { offset, length } = extents[this.#extent]!;
      const room = length - this.#extentBytes;
      if (room === 0) {
        this.#extent++;
        this.#extentBytes = 0;
        continue;
      }
      const part = bytes.subarray(at, at + room);
      const count = this.#calls.pwrite(this.#fd, part, offset + this.#extentBytes);
      at += count;
      this.#extentBytes += count;
      this.#writtenBytes += count;
    }
  }
}
