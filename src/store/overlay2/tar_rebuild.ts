/** Rebuilds the exact bytes of a layer's tar from its tar-split, its tree and the replaced files. */
import { TsdError } from "../../errors.ts";
import { decompressed } from "../../io/mod.ts";
import { AT, cBytes, cString, isErrno, O, OwnedFd, S } from "../../sys/mod.ts";
import { quoted } from "../../tar/mod.ts";
import { BENEATH } from "./directory_cache.ts";
import { type FilePart, tarSplitParts } from "./tar_split.ts";
import type { LayerCalls } from "./tree_calls.ts";
import { CooperativeYield } from "../directory_driver/cooperative_yield.ts";
import { namesIn } from "../directory_driver/staging_dir.ts";

/** Size of an output chunk. */
const CHUNK_BYTES = 256 * 1024;
const SKELETON_CHUNK_BYTES = 64 * 1024;
const DIR = O.PATH | O.DIRECTORY | O.NOFOLLOW;
const EMPTY = cString("");

/**
 * Yields the tar of the layer in the directory `layerPath`, in chunks that belong to the receiver.
 * @throws {TsdError} storage: a file is missing or its size differs from the tar's
 */
export async function* rebuiltTar(layerPath: string, calls: LayerCalls): AsyncGenerator<Uint8Array> {
  using files = await LayerFiles.open(layerPath, calls);
  const cooperativeYield = new CooperativeYield();
  const output = new Output();
  for await (const part of tarSplitParts(decompressed(files.skeleton()))) {
    if (part instanceof Uint8Array) yield* output.add(part);
    else yield* files.dataOf(part, output);
    await cooperativeYield.yieldIfLong();
  }
  yield* output.rest();
}

/** Collects small parts into chunks. */
class Output {
  #chunk = new Uint8Array(CHUNK_BYTES);
  #used = 0;

  /** The unused part of the current chunk. */
  get free(): Uint8Array {
    return this.#chunk.subarray(this.#used);
  }

  *add(bytes: Uint8Array): Generator<Uint8Array> {
    for (let at = 0; at < bytes.length;) {
      const part = bytes.subarray(at, at + CHUNK_BYTES - this.#used);
      this.free.set(part);
      at += part.length;
      yield* this.advance(part.length);
    }
  }

  /** Records that `count` bytes were written to {@link free}. */
  *advance(count: number): Generator<Uint8Array> {
    this.#used += count;
    if (this.#used < CHUNK_BYTES) return;
    const full = this.#chunk;
    this.#chunk = new Uint8Array(CHUNK_BYTES);
    this.#used = 0;
    yield full;
  }

  *rest(): Generator<Uint8Array> {
    if (this.#used > 0) yield this.#chunk.subarray(0, this.#used);
  }
}

/** A layer's files, those that were replaced by later entries of its tar, and the tar-split. */
class LayerFiles implements Disposable {
  readonly #calls: LayerCalls;
  readonly #open = new DisposableStack();
  readonly #dir: OwnedFd;
  readonly #tree: OwnedFd;
  readonly #shadows: OwnedFd | undefined;
  readonly #shadowed: ReadonlySet<string>;

  private constructor(layerPath: string, shadowed: ReadonlySet<string>, calls: LayerCalls) {
    this.#calls = calls;
    this.#shadowed = shadowed;
    try {
      this.#dir = this.#adopt(calls.open(cString(layerPath), DIR));
      this.#tree = this.#adopt(calls.openat(this.#dir.fd, cString("tree"), DIR));
      if (shadowed.size > 0) this.#shadows = this.#adopt(calls.openat(this.#dir.fd, cString("shadow"), DIR));
    } catch (thrown) {
      this[Symbol.dispose]();
      throw thrown;
    }
  }

  static async open(layerPath: string, calls: LayerCalls): Promise<LayerFiles> {
    return new LayerFiles(layerPath, new Set(await namesIn(`${layerPath}/shadow`)), calls);
  }

  /** The compressed tar-split. */
  skeleton(): ReadableStream<Uint8Array> {
    const file = this.#adopt(this.#calls.openat(this.#dir.fd, cString("skeleton.gz"), O.RDONLY | O.NOFOLLOW));
    return new ReadableStream<Uint8Array>({
      pull: (controller) => {
        const chunk = new Uint8Array(SKELETON_CHUNK_BYTES);
        const count = this.#calls.read(file.fd, chunk) as number;
        if (count === 0) controller.close();
        else controller.enqueue(chunk.subarray(0, count));
      },
    }, { highWaterMark: 0 });
  }

  *dataOf(part: FilePart, output: Output): Generator<Uint8Array> {
    using file = new OwnedFd(this.#openFile(part), this.#calls);
    const { mode, sizeBytes } = this.#calls.statx(file.fd, EMPTY, AT.EMPTY_PATH);
    if ((mode & S.IFMT) !== S.IFREG || sizeBytes !== part.sizeBytes) {
      throw damaged(part, `has ${sizeBytes} bytes, the tar says ${part.sizeBytes}`);
    }
    for (const { offset, length } of part.extents) {
      for (let at = 0; at < length;) {
        const room = output.free.subarray(0, length - at);
        const count = this.#calls.pread(file.fd, room, offset + at);
        if (count === 0) throw damaged(part, "ends early");
        at += count;
        yield* output.advance(count);
      }
    }
  }

  [Symbol.dispose](): void {
    this.#open.dispose();
  }

  #adopt(fd: number): OwnedFd {
    return this.#open.use(new OwnedFd(fd, this.#calls));
  }

  #openFile(part: FilePart): number {
    // Non-blocking: the file may have been replaced with a FIFO.
    const flags = O.RDONLY | O.NOFOLLOW | O.NONBLOCK;
    const key = String(part.entryIndex);
    try {
      if (this.#shadows !== undefined && this.#shadowed.has(key)) {
        return this.#calls.openat(this.#shadows.fd, cString(key), flags);
      }
      return this.#calls.openat2(this.#tree.fd, cBytes(part.path), { flags, resolve: BENEATH });
    } catch (thrown) {
      if (isErrno(thrown, "ENOENT", "ENOTDIR", "ELOOP", "ENXIO", "EXDEV")) throw damaged(part, "is missing", thrown);
      throw thrown;
    }
  }
}

function damaged(part: FilePart, why: string, cause?: unknown): TsdError {
  return new TsdError("storage", `A layer is damaged: its file ${quoted(part.path)} ${why}`, { cause });
}
