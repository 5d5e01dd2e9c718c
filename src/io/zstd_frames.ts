/**
 * @module
 * Finds the ends of zstd frames (RFC 8878, section 3.1) without decompressing. Needed because node:zlib stops after a
 * frame that ends in the middle of a write, and doesn't detect a truncated frame.
 */
import { TsdError } from "../errors.ts";

const FRAME_MAGIC = 0xfd2fb528;
const SKIPPABLE_MAGIC = 0x184d2a50;
const RESERVED_BLOCK = 3;
const RLE_BLOCK = 1;
const DICTIONARY_ID_BYTES = [0, 1, 2, 4];
const CONTENT_SIZE_BYTES = [0, 2, 4, 8];

/** Returns whether these bytes (the first four or more) begin a zstd frame or a skippable frame. */
export function isZstdMagic(head: Uint8Array): boolean {
  if (head.length < 4) return false;
  const magic = littleEndian(head.subarray(0, 4));
  return magic === FRAME_MAGIC || isSkippable(magic);
}

/** Splits a compressed stream at the ends of its frames. */
export class ZstdFrames {
  readonly #what: string;
  readonly #walk: Generator<Step, never, Uint8Array>;
  #step: Step;
  #fieldBytes = new Uint8Array(4);
  #fieldLength = 0;
  #remainingBytes: number;

  /** @param what for error messages: `layer sha256:…` */
  constructor(what: string) {
    this.#what = what;
    this.#walk = walkFrames(what);
    this.#step = this.#walk.next().value as Step;
    this.#remainingBytes = this.#step.bytes;
  }

  /** Splits a chunk so that no piece extends into a second frame. @throws {TsdError} layer_invalid */
  *pieces(chunk: Uint8Array): Generator<Uint8Array, void, void> {
    let from = 0;
    let at = 0;
    while (at < chunk.length) {
      const count = Math.min(this.#remainingBytes, chunk.length - at);
      if (this.#step.kind !== "skip") this.#append(chunk.subarray(at, at + count));
      at += count;
      this.#remainingBytes -= count;
      if (this.#remainingBytes > 0) break;
      this.#next();
      if (this.#step.kind === "magic") {
        yield chunk.subarray(from, at);
        from = at;
      }
    }
    if (from < chunk.length) yield chunk.subarray(from);
  }

  /** Ends the input. @throws {TsdError} layer_invalid if it ends in the middle of a frame */
  end(): void {
    if (this.#step.kind !== "magic" || this.#remainingBytes !== this.#step.bytes) {
      throw invalid(this.#what, "it ends in the middle of a frame, truncated");
    }
  }

  #append(bytes: Uint8Array): void {
    this.#fieldBytes.set(bytes, this.#fieldLength);
    this.#fieldLength += bytes.length;
  }

  #next(): void {
    this.#step = this.#walk.next(this.#fieldBytes.subarray(0, this.#fieldLength)).value as Step;
    this.#remainingBytes = this.#step.bytes;
    this.#fieldLength = 0;
  }
}

/** The next element: its bytes are parsed (`magic` begins a frame, `field`) or skipped. Never empty. */
interface Step {
  readonly kind: "magic" | "field" | "skip";
  readonly bytes: number;
}

function* walkFrames(what: string): Generator<Step, never, Uint8Array> {
  while (true) {
    const magic = littleEndian(yield { kind: "magic", bytes: 4 });
    if (isSkippable(magic)) {
      const sizeBytes = littleEndian(yield { kind: "field", bytes: 4 });
      if (sizeBytes > 0) yield { kind: "skip", bytes: sizeBytes };
    } else if (magic === FRAME_MAGIC) {
      yield* walkFrame(what);
    } else {
      throw invalid(what, "something behind the last frame is no frame");
    }
  }
}

function* walkFrame(what: string): Generator<Step, void, Uint8Array> {
  const descriptor = littleEndian(yield { kind: "field", bytes: 1 });
  const singleSegment = (descriptor & 0x20) !== 0;
  const contentSizeFlag = descriptor >> 6;
  const headerBytes = (singleSegment ? 0 : 1) + DICTIONARY_ID_BYTES[descriptor & 3] +
    (contentSizeFlag === 0 && singleSegment ? 1 : CONTENT_SIZE_BYTES[contentSizeFlag]);
  if (headerBytes > 0) yield { kind: "skip", bytes: headerBytes };
  for (let last = false; !last;) {
    const header = littleEndian(yield { kind: "field", bytes: 3 });
    last = (header & 1) === 1;
    const type = (header >> 1) & 3;
    if (type === RESERVED_BLOCK) throw invalid(what, "a block has the reserved type");
    const sizeBytes = type === RLE_BLOCK ? 1 : header >>> 3;
    if (sizeBytes > 0) yield { kind: "skip", bytes: sizeBytes };
  }
  if ((descriptor & 0x04) !== 0) yield { kind: "skip", bytes: 4 };
}

const isSkippable = (magic: number): boolean => magic >= SKIPPABLE_MAGIC && magic <= SKIPPABLE_MAGIC + 15;

const littleEndian = (bytes: Uint8Array): number => bytes.reduceRight((value, byte) => value * 256 + byte, 0);

const invalid = (what: string, why: string): TsdError =>
  new TsdError("layer_invalid", `Cannot decompress ${what}: the zstd data is damaged (${why})`);
