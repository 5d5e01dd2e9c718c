/**
 * The content of an image archive, for its consumers: every document has been read and validated, and the location of
 * each layer's bytes is known. The layers themselves are verified when they are stored.
 */
import { TsdError } from "../../errors.ts";
import type { ImageConfig } from "../config.ts";
import type { Digest } from "../digest.ts";
import { formatPlatform, type Platform, platformRank } from "../platform.ts";
import type { MemberRange } from "./members.ts";

/** A layer of an archived image. */
export interface ArchivedLayer {
  readonly diffId: Digest;
  /** Location of the layer's bytes; archives may omit layers that the receiver has. */
  readonly place?: MemberRange;
  /** The manifest's digest and size of these bytes, if there is a manifest. */
  readonly blob?: { readonly digest: Digest; readonly sizeBytes: number };
}

/** An image in an archive; plain data. */
export interface ArchivedImage {
  /** Digest of the config, verified. */
  readonly id: Digest;
  readonly configBytes: Uint8Array;
  readonly config: ImageConfig;
  /** Full names with tags, such as `docker.io/library/alpine:3`. */
  readonly names: readonly string[];
  /** Lowest layer first. */
  readonly layers: readonly ArchivedLayer[];
  /** The image's manifest in the archive, if there is one. */
  readonly manifest?: { readonly digest: Digest; readonly bytes: Uint8Array };
}

/** Access to the files of an archive. */
export interface ArchiveFiles {
  /** Finds a file. @throws {TsdError} archive_invalid: the name leads out of the archive, or it isn't a file */
  find(name: string): MemberRange | undefined;
  /** Reads a document as a whole. @throws {TsdError} archive_invalid: it doesn't exist or is too large */
  read(name: string): Uint8Array;
}

/** The operating system of this engine's containers. */
const OS = "linux";

/** Rejects images for another operating system. @throws {TsdError} archive_invalid, with Docker's text */
export function checkOs({ platform: { os } }: ImageConfig): void {
  if (os !== OS) throw new TsdError("archive_invalid", `cannot load ${os} image on ${OS}`);
}

/** Returns whether an image matches the requested platform, if any; only an exact match counts. */
export function isRequested({ platform }: ImageConfig, requested: Platform | undefined): boolean {
  return requested === undefined || platformRank(requested, platform) === 0;
}

/**
 * Merges entries of the same image into one with all their names.
 * @throws {TsdError} image_not_found: none for the platform
 */
export function merged(images: readonly ArchivedImage[], requested: Platform | undefined): ArchivedImage[] {
  if (images.length === 0 && requested !== undefined) {
    throw new TsdError("image_not_found", `no image for platform ${formatPlatform(requested)} in the archive`);
  }
  const byId = new Map<Digest, ArchivedImage>();
  for (const image of images) {
    const existing = byId.get(image.id);
    const names = [...new Set([...existing?.names ?? [], ...image.names])];
    byId.set(image.id, { ...(existing ?? image), names });
  }
  return [...byId.values()];
}
