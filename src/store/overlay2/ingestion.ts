/** Ingests one tar: hashes, validates and unpacks it and writes its tar-split in a single pass. */
import { TsdError } from "../../errors.ts";
import { cString, O, OwnedFd } from "../../sys/mod.ts";
import { TarDecoder, type TarEntry } from "../../tar/mod.ts";
import { LayerTree } from "../layer_tree.ts";
import type { LayerWriter, LayerWriterOptions } from "../directory_driver/directory_layer_store.ts";
import { TarSplitWriter } from "./tar_split.ts";
import type { LayerCalls } from "./tree_calls.ts";
import { TreeWriter } from "./tree_writer.ts";

const DIR = O.RDONLY | O.DIRECTORY | O.NOFOLLOW;

export interface IngestionOptions extends LayerWriterOptions {
  readonly calls: LayerCalls;
}

/** Fills a layer's directory with `tree/`, `skeleton.gz` and, if files were replaced, `shadow/`. Synchronous. */
export class Ingestion implements LayerWriter {
  readonly #options: IngestionOptions;
  readonly #calls: LayerCalls;
  #open = new DisposableStack();
  readonly #dirFd: number;
  readonly #decoder: TarDecoder;
  readonly #tree: LayerTree;
  readonly #writer: TreeWriter;
  readonly #skeleton: TarSplitWriter;
  #shadowsFd: number | undefined;
  #tarBytes = 0;
  /** Whether the current entry's data belongs to a file of the tree; otherwise it is stored in the tar-split. */
  #isFile = false;

  constructor(options: IngestionOptions) {
    const { dir, calls, limits } = this.#options = options;
    this.#calls = calls;
    this.#tree = new LayerTree(limits);
    using undo = this.#open;
    this.#dirFd = this.#adopt(calls.open(cString(dir), DIR));
    calls.mkdirat(this.#dirFd, cString("tree"), 0o700);
    const treeFd = this.#adopt(calls.openat(this.#dirFd, cString("tree"), DIR));
    const skeletonFd = this.#adopt(
      calls.openat(this.#dirFd, cString("skeleton.gz"), O.WRONLY | O.CREAT | O.EXCL, 0o600),
    );
    this.#writer = this.#open.use(new TreeWriter(calls, treeFd, () => this.#shadows()));
    this.#skeleton = new TarSplitWriter((bytes) => this.#writeAll(skeletonFd, bytes));
    this.#decoder = new TarDecoder({ skeleton: (bytes) => this.#skeleton.raw(bytes) });
    this.#open = undo.move();
  }

  get tarBytes(): number {
    return this.#tarBytes;
  }

  get contentBytes(): number {
    return this.#tree.contentBytes;
  }

  get entries(): number {
    return this.#tree.entries;
  }

  /** @throws {TsdError} layer_invalid, layer_too_large; {SysError} */
  push(bytes: Uint8Array): void {
    this.#tarBytes += bytes.length;
    if (this.#tarBytes > this.#options.limits.tarBytes) throw this.#tooLarge();
    this.#options.hasher.update(bytes);
    this.#decoder.feed(bytes);
    for (let item = this.#decoder.next(); item !== undefined; item = this.#decoder.next()) {
      if (!(item instanceof Uint8Array)) this.#enter(item);
      else if (this.#isFile) this.#writer.write(item);
      else this.#skeleton.raw(item);
    }
  }

  /** Ends the tar and returns its SHA-256 in hex. The tree isn't complete yet. @throws {TsdError} layer_invalid */
  end(): string {
    this.#decoder.finish();
    return this.#options.hasher.digestHex();
  }

  /** Sets the attributes of directories, adds `files` to the layer's directory, and syncs all of it. */
  finish(files: Readonly<Record<string, Uint8Array>>): void {
    this.#skeleton.end();
    this.#writer.finish(this.#tree);
    for (const [name, bytes] of Object.entries(files)) {
      const flags = O.WRONLY | O.CREAT | O.EXCL | O.NOFOLLOW;
      using file = new OwnedFd(this.#calls.openat(this.#dirFd, cString(name), flags, 0o600), this.#calls);
      this.#writeAll(file.fd, bytes);
    }
    this.#calls.syncfs(this.#dirFd);
  }

  [Symbol.dispose](): void {
    this.#open[Symbol.dispose]();
  }

  #enter(entry: TarEntry): void {
    const change = this.#tree.add(entry);
    const { tarBytes } = this.#options.limits;
    if (entry.dataOffset + entry.storedBytes > tarBytes || this.#tree.contentBytes > tarBytes) throw this.#tooLarge();
    this.#isFile = change.file !== undefined;
    if (change.file !== undefined && change.file.storedBytes > 0) this.#skeleton.file(change.file);
    this.#writer.apply(change);
  }

  #shadows(): number {
    if (this.#shadowsFd === undefined) {
      this.#calls.mkdirat(this.#dirFd, cString("shadow"), 0o700);
      this.#shadowsFd = this.#adopt(this.#calls.openat(this.#dirFd, cString("shadow"), DIR));
    }
    return this.#shadowsFd;
  }

  #adopt(fd: number): number {
    this.#open.defer(() => this.#calls.close(fd));
    return fd;
  }

  #writeAll(fd: number, bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) at += this.#calls.write(fd, bytes.subarray(at)) as number;
  }

  #tooLarge(): TsdError {
    return new TsdError("layer_too_large", `The layer has more than ${this.#options.limits.tarBytes} bytes`);
  }
}
