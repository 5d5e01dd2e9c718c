/**
 * @module
 * Resolves a reference to the manifest of one image: fetches what the reference names, verifies it, and descends
 * through indexes to the entry for a platform.
 */
import { TsdError } from "../../errors.ts";
import { type HashEngine, sha256Hex } from "../../hash/mod.ts";
import { type Digest, digestOfHex, isDigest } from "../digest.ts";
import { type Descriptor, type ImageIndex, type ImageManifest, parseManifest } from "../manifest.ts";
import { MANIFEST_ACCEPT } from "../media_types.ts";
import { hostPlatform, matchingManifests, type Platform } from "../platform.ts";
import { apiHost, DEFAULT_TAG, familiarString, type Reference } from "../reference.ts";
import { MAX_JSON_BYTES } from "../strict_json.ts";
import { faultOf, statusError } from "./errors.ts";
import type { PullOptions, RegistryTransport } from "./transport.ts";

/** A manifest or index whose digest and size were verified. */
export interface FetchedManifest<T = ImageManifest | ImageIndex> {
  readonly manifest: T;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly digest: Digest;
}

/** How deep indexes may be nested. */
const MAX_INDEX_DEPTH = 4;

/** Resolves references to manifests. */
export class ManifestResolver {
  readonly #transport: RegistryTransport;
  readonly #hashEngine: HashEngine | undefined;

  constructor(transport: RegistryTransport, hashEngine?: HashEngine) {
    this.#transport = transport;
    this.#hashEngine = hashEngine;
  }

  /**
   * Fetches what the reference names (`top`, which may be an index) and the manifest for the platform.
   * @throws {TsdError} as `RegistryClient.resolveManifest`
   */
  async resolve(
    ref: Reference,
    platform: Platform | undefined,
    options: PullOptions,
  ): Promise<{ top: FetchedManifest; image: FetchedManifest<ImageManifest> }> {
    const top = await this.#fetch(ref, undefined, options);
    let current = top;
    for (let depth = 0; current.manifest.kind === "index"; depth++) {
      if (depth >= MAX_INDEX_DEPTH) {
        throw new TsdError(
          "manifest_invalid",
          `Cannot use ${familiarString(ref)}: its indexes are nested deeper than ${MAX_INDEX_DEPTH} levels`,
        );
      }
      const [entry] = matchingManifests(current.manifest.manifests, platform ?? hostPlatform());
      current = await this.#fetch(ref, entry, options);
    }
    return { top, image: { ...current, manifest: current.manifest } };
  }

  /** Fetches an entry of an index, or what the reference itself names. */
  async #fetch(ref: Reference, entry: Descriptor | undefined, options: PullOptions): Promise<FetchedManifest> {
    const what = entry === undefined
      ? `manifest of ${familiarString(ref)}`
      : `manifest ${entry.digest} of ${familiarString(ref)}`;
    if (entry !== undefined && entry.sizeBytes > MAX_JSON_BYTES) throw tooLarge(what);
    const requested = entry?.digest ?? ref.digest;
    const { status, headers, bytes } = await this.#transport.document({
      ref,
      path: `manifests/${requested ?? ref.tag ?? DEFAULT_TAG}`,
      headers: { accept: MANIFEST_ACCEPT },
      maxBytes: MAX_JSON_BYTES,
      what,
      code: "manifest_invalid",
      ...options,
    });
    if (status !== 200) throw statusError({ ref, host: apiHost(ref) }, status, faultOf(bytes));
    const digest = digestOfHex(await sha256Hex(bytes, this.#hashEngine));
    checkDigest(what, digest, requested ?? headerDigest(headers));
    if (entry !== undefined && entry.sizeBytes !== bytes.length) {
      throw new TsdError(
        "size_mismatch",
        `Cannot accept ${what}: size is ${bytes.length}, expected ${entry.sizeBytes}`,
      );
    }
    const contentType = entry?.mediaType ?? headers.get("content-type") ?? "";
    return { manifest: parseManifest(bytes, what, contentType), bytes, digest };
  }
}

/** The digest in the response's header; other algorithms than sha256 can't be compared. */
function headerDigest(headers: Headers): Digest | undefined {
  const text = headers.get("docker-content-digest") ?? "";
  return isDigest(text) ? text : undefined;
}

function checkDigest(what: string, found: Digest, expected: Digest | undefined): void {
  if (expected === undefined || expected === found) return;
  throw new TsdError("digest_mismatch", `Cannot accept ${what}: digest is ${found}, expected ${expected}`);
}

function tooLarge(what: string): TsdError {
  return new TsdError("manifest_invalid", `Cannot use ${what}: it is larger than ${MAX_JSON_BYTES} bytes`);
}
