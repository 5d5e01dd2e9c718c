/** Puts the exact bytes of a layer's tar together again, from its skeleton, its tree and the files that were replaced. */
import { TsdError } from "../../errors.ts";
import { decompressed } from "../../io/mod.ts";
import { AT, cBytes, cString, isErrno, O, OwnedFd, S } from "../../sys/mod.ts";
import { quoted } from "../../tar/mod.ts";
import { BENEATH } from "./folder_cache.ts";
import { type FilePart, skeletonParts } from "./skeleton.ts";
import type { LayerCalls } from "./tree_calls.ts";
import { Turn } from "./turn.ts";
import { namesIn } from "./workspace.ts";

/** Bytes in a chunk of the result. */
const CHUNK_BYTES = 256 * 1024;
const FOLDER = O.PATH | O.DIRECTORY | O.NOFOLLOW;
const EMPTY = cString("");

/**
 * The tar of the layer in the folder `layerPath`, in chunks that are the receiver's to keep.
 * @throws {TsdError} storage: something is missing or has another size than the tar says
 */
export async function* rebuiltTar(layerPath: string, calls: LayerCalls): AsyncGenerator<Uint8Array> {
  const files = await LayerFiles.open(layerPath, calls);
  try {
    const turn = new Turn();
    const output = new Output();
    const skeleton = await Deno.open(`${layerPath}/skeleton.gz`);
    for await (const part of skeletonParts(decompressed(skeleton.readable))) {
      if (part instanceof Uint8Array) yield* output.add(part);
      else yield* files.dataOf(part, output);
      await turn.yieldIfLong();
    }
    yield* output.rest();
  } finally {
    files[Symbol.dispose]();
  }
}

/** Gathers small pieces into chunks. */
class Output {
  #chunk = new Uint8Array(CHUNK_BYTES);
  #used = 0;

  /** Where the next bytes go. */
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

  /** `count` bytes were put into {@link free}. */
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

/** The files of a layer, and those that were replaced by later entries of its tar. */
class LayerFiles implements Disposable {
  readonly #calls: LayerCalls;
  readonly #tree: OwnedFd;
  readonly #shadows: OwnedFd | undefined;
  readonly #shadowed: ReadonlySet<string>;

  private constructor(calls: LayerCalls, tree: OwnedFd, shadows: OwnedFd | undefined, shadowed: ReadonlySet<string>) {
    this.#calls = calls;
    this.#tree = tree;
    this.#shadows = shadows;
    this.#shadowed = shadowed;
  }

  static async open(layerPath: string, calls: LayerCalls): Promise<LayerFiles> {
    const shadowed = new Set(await namesIn(`${layerPath}/shadow`));
    const open = (name: string) => new OwnedFd(calls.open(cString(`${layerPath}/${name}`), FOLDER), calls);
    using tree = open("tree");
    const shadows = shadowed.size > 0 ? open("shadow") : undefined;
    return new LayerFiles(calls, new OwnedFd(tree.take(), calls), shadows, shadowed);
  }

  *dataOf(part: FilePart, output: Output): Generator<Uint8Array> {
    using file = new OwnedFd(this.#open(part), this.#calls);
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
    this.#tree.close();
    this.#shadows?.close();
  }

  #open(part: FilePart): number {
    // Never wait for the writer of a FIFO that somebody put in a file's place.
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
