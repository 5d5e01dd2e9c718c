/**
 * The tar-split of a layer (after vbatts/tar-split, which moby uses): a tar's headers and padding, with a reference
 * where each file's data belongs. Together with the unpacked tree it reproduces the tar's exact bytes. On disk
 * (`skeleton.gz`) it is gzip (RFC 1952, many members) over records:
 *
 * - `R`, length (u32), that many raw bytes
 * - `F`, entry index (u32), path length (u16), path, logical size (f64), extent count (u32), per extent offset and
 *   length (f64 each). A file that isn't sparse has one extent.
 *
 * Numbers are little-endian; f64 represents sizes exactly up to 2^53.
 */
import { gzipSync } from "node:zlib";
import { TsdError } from "../../errors.ts";
import { bytesOf, type ByteString, byteStringOf, type SparseExtent } from "../../tar/mod.ts";
import { type FileNode, pathOf } from "../layer_tree.ts";

const RAW = 0x52;
const FILE = 0x46;
const RAW_HEAD_BYTES = 5;
const MEMBER_BYTES = 256 * 1024;
/** Headers compress so well that a higher level only costs time. */
const GZIP = { level: 1 } as const;

/** A reference to a file's data in the tar. */
export interface FilePart {
  readonly entryIndex: number;
  /** Path below the layer's root at the time when the file was created. */
  readonly path: ByteString;
  readonly sizeBytes: number;
  readonly extents: readonly SparseExtent[];
}

/** A part of the tar: raw bytes, or a reference to a file's data. */
export type TarSplitPart = Uint8Array | FilePart;

/** Encodes parts and emits compressed bytes. */
export class TarSplitWriter {
  readonly #write: (compressed: Uint8Array) => void;
  readonly #buffer = new Uint8Array(MEMBER_BYTES);
  readonly #view = new DataView(this.#buffer.buffer);
  #used = 0;
  /** Start of the open raw record, or -1. */
  #rawStart = -1;

  constructor(write: (compressed: Uint8Array) => void) {
    this.#write = write;
  }

  /** Adds bytes that are stored as they are. */
  raw(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) {
      if (this.#rawStart < 0) {
        this.#ensure(RAW_HEAD_BYTES + 1);
        this.#rawStart = this.#used;
        this.#used += RAW_HEAD_BYTES;
      }
      const part = bytes.subarray(at, at + MEMBER_BYTES - this.#used);
      this.#buffer.set(part, this.#used);
      this.#used += part.length;
      at += part.length;
      if (this.#used === MEMBER_BYTES) this.#flush();
    }
  }

  /** Adds a reference to the data of `node`. */
  file(node: FileNode): void {
    const dir = pathOf(node.parent!);
    const path = bytesOf(dir === "" ? node.name : `${dir}/${node.name}`);
    const extents = node.sparse ?? [{ offset: 0, length: node.storedBytes }];
    const record = new Uint8Array(7 + path.length + 12 + 16 * extents.length);
    const view = new DataView(record.buffer);
    record[0] = FILE;
    view.setUint32(1, node.entryIndex, true);
    view.setUint16(5, path.length, true);
    record.set(path, 7);
    let at = 7 + path.length;
    view.setFloat64(at, node.sizeBytes, true);
    view.setUint32(at + 8, extents.length, true);
    for (const { offset, length } of extents) {
      view.setFloat64(at += 12, offset, true);
      view.setFloat64(at + 8, length, true);
      at += 4;
    }
    this.#closeRaw();
    this.#put(record);
  }

  /** Emits the remaining bytes. */
  end(): void {
    this.#flush();
  }

  /** A record may be longer than the buffer: a sparse map may have up to a megabyte. */
  #put(record: Uint8Array): void {
    for (let at = 0; at < record.length;) {
      const part = record.subarray(at, at + MEMBER_BYTES - this.#used);
      this.#buffer.set(part, this.#used);
      this.#used += part.length;
      at += part.length;
      if (this.#used === MEMBER_BYTES) this.#flush();
    }
  }

  #ensure(bytes: number): void {
    if (this.#used + bytes > MEMBER_BYTES) this.#flush();
  }

  #closeRaw(): void {
    if (this.#rawStart < 0) return;
    this.#buffer[this.#rawStart] = RAW;
    this.#view.setUint32(this.#rawStart + 1, this.#used - this.#rawStart - RAW_HEAD_BYTES, true);
    this.#rawStart = -1;
  }

  #flush(): void {
    this.#closeRaw();
    if (this.#used > 0) this.#write(gzipSync(this.#buffer.subarray(0, this.#used), GZIP));
    this.#used = 0;
  }
}

/** Decodes the parts of an uncompressed tar-split. @throws {TsdError} storage: it is damaged */
export async function* tarSplitParts(source: AsyncIterable<Uint8Array>): AsyncGenerator<TarSplitPart> {
  const input = new RecordInput(source);
  try {
    for (let head = await input.take(1, "may end"); head !== undefined; head = await input.take(1, "may end")) {
      if (head[0] === FILE) yield await filePart(input);
      else if (head[0] === RAW) yield* rawParts(input);
      else throw damaged();
    }
  } finally {
    await input.close();
  }
}

async function* rawParts(input: RecordInput): AsyncGenerator<Uint8Array> {
  for (let bytesLeft = u32(await input.take(4)); bytesLeft > 0;) {
    const part = await input.takeUpTo(bytesLeft);
    bytesLeft -= part.length;
    yield part;
  }
}

async function filePart(input: RecordInput): Promise<FilePart> {
  const head = await input.take(6);
  const entryIndex = u32(head);
  const path = byteStringOf(await input.take(head[4]! | head[5]! << 8));
  const tail = await input.take(12);
  const sizeBytes = f64(tail, 0);
  const table = await input.take(16 * u32(tail.subarray(8)));
  const extents: SparseExtent[] = [];
  for (let at = 0; at < table.length; at += 16) extents.push({ offset: f64(table, at), length: f64(table, at + 8) });
  return { entryIndex, path, sizeBytes, extents };
}

function u32(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
}

function f64(bytes: Uint8Array, at: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getFloat64(at, true);
}

function damaged(): TsdError {
  return new TsdError("storage", "The skeleton of a layer is damaged");
}

/** Reads exact lengths from a stream of chunks. */
class RecordInput {
  readonly #source: AsyncIterator<Uint8Array>;
  #chunk: Uint8Array = new Uint8Array(0);

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** Returns at least one byte and at most `count`. */
  async takeUpTo(count: number): Promise<Uint8Array> {
    if (!await this.#fill()) throw damaged();
    const part = this.#chunk.subarray(0, count);
    this.#chunk = this.#chunk.subarray(part.length);
    return part;
  }

  async take(count: number): Promise<Uint8Array>;
  async take(count: number, end: "may end"): Promise<Uint8Array | undefined>;
  async take(count: number, end?: "may end"): Promise<Uint8Array | undefined> {
    if (this.#chunk.length >= count) {
      const part = this.#chunk.subarray(0, count);
      this.#chunk = this.#chunk.subarray(count);
      return part;
    }
    if (end !== undefined && !await this.#fill()) return undefined;
    const whole = new Uint8Array(count);
    for (let at = 0; at < count;) {
      const part = await this.takeUpTo(count - at);
      whole.set(part, at);
      at += part.length;
    }
    return whole;
  }

  async close(): Promise<void> {
    await this.#source.return?.();
  }

  async #fill(): Promise<boolean> {
    while (this.#chunk.length === 0) {
      const { done, value } = await this.#source.next();
      if (done) return false;
      this.#chunk = value;
    }
    return true;
  }
}
