/**
 * @module
 * Content digests (OCI image-spec v1.1, descriptor.md, "Digests"). Only sha256 is accepted, as in Docker's registries.
 */
import { TsdError } from "../errors.ts";

declare const DIGEST: unique symbol;

/** `sha256:` and 64 lower-case hex digits. A value of this type was validated. */
export type Digest = string & { readonly [DIGEST]: true };

const SHA256 = /^sha256:[0-9a-f]{64}$/;

/** Returns whether `text` is a well-formed sha256 digest. */
export function isDigest(text: string): text is Digest {
  return SHA256.test(text);
}

/** Validates a digest. @throws {TsdError} invalid_argument */
export function parseDigest(text: string): Digest {
  if (!isDigest(text)) {
    throw new TsdError("invalid_argument", `Invalid digest ${JSON.stringify(text.slice(0, 100))}: not sha256:<64 hex>`);
  }
  return text;
}

/** Makes a digest of its 64 hex digits. @throws {TsdError} invalid_argument */
export function digestOfHex(hex: string): Digest {
  return parseDigest(`sha256:${hex}`);
}

/** Returns the 64 hex digits of a digest. */
export function hexOf(digest: Digest): string {
  return digest.slice("sha256:".length);
}

/** Returns the first 12 hex digits, as Docker shows ids. */
export function shortHex(digest: Digest): string {
  return hexOf(digest).slice(0, 12);
}
