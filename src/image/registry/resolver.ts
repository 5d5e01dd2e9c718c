/**
 * @module
 * From a name to one image's manifest: fetches what the name points at, checks it, and goes down through indexes to the
 * entry for a platform.
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
import type { Asker, RegistryTransport } from "./transport.ts";

/** A manifest or index whose digest and size have been checked. */
export interface FetchedManifest<T = ImageManifest | ImageIndex> {
  readonly manifest: T;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly digest: Digest;
}

/** How deep indexes may name indexes. */
const MAX_INDEX_DEPTH = 4;

/** See the module's comment. */
export class ManifestResolver {
  readonly #transport: RegistryTransport;
  readonly #hashEngine: HashEngine | undefined;

  constructor(transport: RegistryTransport, hashEngine?: HashEngine) {
    this.#transport = transport;
    this.#hashEngine = hashEngine;
  }

  /**
   * What the reference points at (`top`, which may be an index) and the manifest for the platform.
   * @throws {TsdError} as `RegistryClient.resolveManifest`
   */
  async resolve(
    ref: Reference,
    platform: Platform | undefined,
    asker: Asker,
  ): Promise<{ top: FetchedManifest; image: FetchedManifest<ImageManifest> }> {
    const top = await this.#fetch(ref, undefined, asker);
    let at = top;
    for (let depth = 0; at.manifest.kind === "index"; depth++) {
      if (depth >= MAX_INDEX_DEPTH) {
        throw new TsdError(
          "manifest_invalid",
          `Cannot use ${familiarString(ref)}: its indexes are nested deeper than ${MAX_INDEX_DEPTH} levels`,
        );
      }
      const [entry] = matchingManifests(at.manifest.manifests, platform ?? hostPlatform());
      at = await this.#fetch(ref, entry, asker);
    }
    return { top, image: { ...at, manifest: at.manifest } };
  }

  /** Fetches an entry of an index, or what the reference itself names. */
  async #fetch(ref: Reference, entry: Descriptor | undefined, asker: Asker): Promise<FetchedManifest> {
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
      ...asker,
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

/** What the registry says that a tag's digest is; other algorithms than sha256 can't be compared. */
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
