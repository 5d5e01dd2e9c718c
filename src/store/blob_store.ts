/**
 * @module
 * Manifests and configs, in files named by digest (`<data-root>/blobs/sha256/<hex>`). They are small: the caller has
 * read and checked them whole. Layers are not kept here (see `ports.ts`, `LayerStore`).
 */
import { TsdError } from "../errors.ts";
import { sha256Hex } from "../hash/mod.ts";
import { type Digest, hexOf } from "../image/digest.ts";
import { makeDirDurably, storageError, syncDir, writeFileDurably } from "../io/durable.ts";

/** Keeps small content by digest. */
export class BlobStore {
  readonly #dir: string;

  /** `root` is the data-root; the folder is made by {@link BlobStore.put} when first needed. */
  constructor(root: string) {
    this.#dir = `${root}/blobs/sha256`;
  }

  /** Stores bytes under a digest that they must have; durable when it returns. @throws {TsdError} digest_mismatch */
  async put(digest: Digest, bytes: Uint8Array): Promise<void> {
    await this.#check(digest, bytes, "store");
    await makeDirDurably(this.#dir, 0o700);
    // Whoever stored it may not be through with making its name last.
    if (await this.#has(digest, bytes)) return await syncDir(this.#dir);
    await writeFileDurably(this.#path(digest), bytes);
  }

  /** Reads a blob and checks it again. @throws {TsdError} not_found, digest_mismatch, storage */
  async get(digest: Digest): Promise<Uint8Array<ArrayBuffer>> {
    let bytes: Uint8Array<ArrayBuffer>;
    try {
      bytes = await Deno.readFile(this.#path(digest));
    } catch (cause) {
      if (!(cause instanceof Deno.errors.NotFound)) throw storageError(`Cannot read blob ${digest}`, cause);
      throw new TsdError("not_found", `Cannot read blob ${digest}: it is not in the store; pull the image again`, {
        cause,
      });
    }
    await this.#check(digest, bytes, "read");
    return bytes;
  }

  /** Removes a blob; one that isn't there is no error. */
  async remove(digest: Digest): Promise<void> {
    try {
      await Deno.remove(this.#path(digest));
    } catch (thrown) {
      if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
    }
  }

  /** Whether it is there, undamaged. */
  async #has(digest: Digest, bytes: Uint8Array): Promise<boolean> {
    try {
      const there = await Deno.readFile(this.#path(digest));
      return there.length === bytes.length && there.every((byte, at) => byte === bytes[at]);
    } catch (thrown) {
      if (thrown instanceof Deno.errors.NotFound) return false;
      throw thrown;
    }
  }

  async #check(digest: Digest, bytes: Uint8Array, verb: string): Promise<void> {
    const actual = await sha256Hex(bytes);
    if (actual === hexOf(digest)) return;
    throw new TsdError("digest_mismatch", `Cannot ${verb} blob ${digest}: its content has digest sha256:${actual}`);
  }

  #path(digest: Digest): string {
    return `${this.#dir}/${hexOf(digest)}`;
  }
}
