/**
 * What an archive of images holds, for whoever loads it: every document in it has been read and checked, and for each
 * layer it is known where its bytes are. What the layers hold is checked when they are stored.
 */
import { TsdError } from "../../errors.ts";
import type { ImageConfig } from "../config.ts";
import type { Digest } from "../digest.ts";
import { formatPlatform, type Platform, platformRank } from "../platform.ts";
import type { MemberRange } from "./members.ts";

/** A layer of an image in an archive. */
export interface ArchivedLayer {
  readonly diffId: Digest;
  /** Where it is; archives may leave out what their receiver has. */
  readonly place?: MemberRange;
  /** What a manifest says of the bytes there; otherwise only their content counts. */
  readonly blob?: { readonly digest: Digest; readonly sizeBytes: number };
}

/** An image in an archive. Plain data. */
export interface ArchivedImage {
  /** Digest of the config, which has been checked. */
  readonly id: Digest;
  readonly configBytes: Uint8Array;
  readonly config: ImageConfig;
  /** In full, with a tag: `docker.io/library/alpine:3`. */
  readonly names: readonly string[];
  /** Lowest first. */
  readonly layers: readonly ArchivedLayer[];
  /** The archive's own manifest of it, if it has one. */
  readonly manifest?: { readonly digest: Digest; readonly bytes: Uint8Array };
}

/** The files of an archive. */
export interface ArchiveFiles {
  /** @throws {TsdError} archive_invalid: the name leads out of the archive, or it is no file */
  find(name: string): MemberRange | undefined;
  /** A document, whole. @throws {TsdError} archive_invalid: there is none of that name, or it is too large */
  read(name: string): Uint8Array;
}

/** The operating system that containers here have. */
const OS = "linux";

/** @throws {TsdError} archive_invalid, in Docker's words */
export function checkOs({ platform: { os } }: ImageConfig): void {
  if (os !== OS) throw new TsdError("archive_invalid", `cannot load ${os} image on ${OS}`);
}

/** Whether an image is one of those that are wanted: for a platform that was asked for only exactly that one. */
export function isRequested({ platform }: ImageConfig, requested: Platform | undefined): boolean {
  return requested === undefined || platformRank(requested, platform) === 0;
}

/** Each image once, with all of its names. @throws {TsdError} image_not_found: none is for the platform */
export function merged(images: readonly ArchivedImage[], requested: Platform | undefined): ArchivedImage[] {
  if (images.length === 0 && requested !== undefined) {
    throw new TsdError("image_not_found", `no image for platform ${formatPlatform(requested)} in the archive`);
  }
  const byId = new Map<Digest, ArchivedImage>();
  for (const image of images) {
    const known = byId.get(image.id);
    const names = [...new Set([...known?.names ?? [], ...image.names])];
    byId.set(image.id, { ...(known ?? image), names });
  }
  return [...byId.values()];
}
