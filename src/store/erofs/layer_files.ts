/**
 * A layer's files: its tar and the index over it. The directories and names are the driver's own, so paths are trusted.
 */
import { isTsdIndex, META_BYTES } from "./format.ts";
import type { IndexSink, TarBytes } from "./index_writer.ts";

export const TAR_NAME = "layer.tar";
export const INDEX_NAME = "index.erofs";
const READ_BYTES = 256 << 10;

abstract class LayerFile implements Disposable {
  #isClosed = false;

  protected constructor(protected readonly file: Deno.FsFile) {}

  /** Syncs to disk without blocking this thread. */
  sync(): Promise<void> {
    return this.file.sync();
  }

  /** Idempotent. */
  [Symbol.dispose](): void {
    if (!this.#isClosed) this.file.close();
    this.#isClosed = true;
  }
}

/** A new file that is written sequentially. */
export class NewFile extends LayerFile {
  #sizeBytes = 0;

  static create(path: string): NewFile {
    return new NewFile(Deno.openSync(path, { write: true, createNew: true, mode: 0o600 }));
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  append(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) at += this.file.writeSync(at === 0 ? bytes : bytes.subarray(at));
    this.#sizeBytes += bytes.length;
  }
}

/** A complete tar with random-access reads. */
export class TarFile extends LayerFile implements TarBytes {
  readonly sizeBytes: number;

  private constructor(file: Deno.FsFile) {
    super(file);
    this.sizeBytes = file.statSync().size;
  }

  static open(path: string): TarFile {
    return new TarFile(Deno.openSync(path));
  }

  readAt(offset: number, buffer: Uint8Array): void {
    this.file.seekSync(offset, Deno.SeekMode.Start);
    for (let at = 0; at < buffer.length;) {
      const count = this.file.readSync(buffer.subarray(at));
      if (count === null) throw new Deno.errors.UnexpectedEof(`the tar ends before byte ${offset + buffer.length}`);
      at += count;
    }
  }
}

/** An index file with random-access writes. */
export class IndexFile extends LayerFile implements IndexSink {
  /** Creates a new file. */
  static create(path: string): IndexFile {
    return new IndexFile(Deno.openSync(path, { write: true, createNew: true, mode: 0o600 }));
  }

  writeAt(offset: number, bytes: Uint8Array): void {
    this.file.seekSync(offset, Deno.SeekMode.Start);
    for (let at = 0; at < bytes.length;) at += this.file.writeSync(bytes.subarray(at));
  }

  setLength(bytes: number): void {
    this.file.truncateSync(bytes);
  }
}

/** Reads a file in chunks that belong to the receiver. */
export async function* readChunks(path: string): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  using file = await Deno.open(path);
  for (;;) {
    const buffer = new Uint8Array(READ_BYTES);
    const count = await file.read(buffer);
    if (count === null) return;
    yield buffer.subarray(0, count);
  }
}

/**
 * Returns whether a layer has a complete index by this version's writer. It delays a container's start, so it reads
 * little.
 */
export function hasIndex(dir: string): boolean {
  try {
    using file = Deno.openSync(`${dir}/${INDEX_NAME}`);
    const beginning = new Uint8Array(META_BYTES);
    const count = file.readSync(beginning) ?? 0;
    return isTsdIndex(beginning.subarray(0, count), file.statSync().size);
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return false;
    throw thrown;
  }
}
