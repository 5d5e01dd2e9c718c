/** For tests only: an archive's files in memory. */
import { TsdError } from "../../errors.ts";
import { sha256Hex } from "../../hash/mod.ts";
import { type Digest, digestOfHex, hexOf } from "../digest.ts";
import type { ArchiveFiles } from "./contents.ts";

/** An in-memory archive. A file's offset is its index. */
export class MemoryArchive implements ArchiveFiles {
  readonly #files = new Map<string, Uint8Array>();

  add(name: string, content: unknown): this {
    this.#files.set(name, content instanceof Uint8Array ? content : encoded(content));
    return this;
  }

  /** Adds a blob and returns its descriptor. */
  async blob(content: unknown, mediaType: string): Promise<BlobDescriptor> {
    const bytes = content instanceof Uint8Array ? content : encoded(content);
    const digest = digestOfHex(await sha256Hex(bytes));
    this.add(`blobs/sha256/${hexOf(digest)}`, bytes);
    return { mediaType, digest, size: bytes.length };
  }

  find(name: string): { offset: number; sizeBytes: number } | undefined {
    const offset = [...this.#files.keys()].indexOf(name);
    return offset < 0 ? undefined : { offset, sizeBytes: this.#files.get(name)!.length };
  }

  read(name: string): Uint8Array {
    const bytes = this.#files.get(name);
    if (bytes === undefined) throw new TsdError("archive_invalid", `no file ${name}`);
    return bytes;
  }
}

export interface BlobDescriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
}

/** The config of an image with these layers. */
export const configOf = (diffIds: readonly Digest[], more: Readonly<Record<string, unknown>> = {}) => ({
  ...{ os: "linux", architecture: "amd64", config: {}, rootfs: { type: "layers", diff_ids: diffIds } },
  ...more,
});

const encoded = (content: unknown): Uint8Array =>
  new TextEncoder().encode(typeof content === "string" ? content : JSON.stringify(content));
