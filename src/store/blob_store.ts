/**
 * @module
 * Stores manifests and configs in files named by digest (`<data-root>/blobs/sha256/<hex>`). They are small: callers
 * read and verify them as a whole. Layers are stored elsewhere (see `LayerStore` in `driver.ts`).
 */
import { TsdError } from "../errors.ts";
import { sha256Hex } from "../hash/mod.ts";
import { type Digest, hexOf } from "../image/digest.ts";
import { makeDirDurably, storageError, syncDir, writeFileDurably } from "../io/durable.ts";

/** A content store for small blobs. */
export class BlobStore {
  readonly #dir: string;

  /** @param root the data-root; the store's directory is created by the first {@link BlobStore.put} */
  constructor(root: string) {
    this.#dir = `${root}/blobs/sha256`;
  }

  /** Stores bytes durably under their digest. @throws {TsdError} digest_mismatch */
  async put(digest: Digest, bytes: Uint8Array): Promise<void> {
    await this.#check(digest, bytes, "store");
    await makeDirDurably(this.#dir, 0o700);
    // A concurrent put may not have made the name durable yet.
    if (await this.#has(digest, bytes)) return await syncDir(this.#dir);
    await writeFileDurably(this.#path(digest), bytes);
  }

  /** Reads a blob and verifies it. @throws {TsdError} not_found, digest_mismatch, storage */
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

  /** Removes a blob; succeeds if it doesn't exist. */
  async remove(digest: Digest): Promise<void> {
    try {
      await Deno.remove(this.#path(digest));
    } catch (thrown) {
      if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
    }
  }

  /** Returns whether the blob is stored and undamaged. */
  async #has(digest: Digest, bytes: Uint8Array): Promise<boolean> {
    try {
      const stored = await Deno.readFile(this.#path(digest));
      return stored.length === bytes.length && stored.every((byte, at) => byte === bytes[at]);
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
