/**
 * @module
 * What the engine asks of registries: which image does a name mean, and give me this blob.
 */
import { TsdError } from "../../errors.ts";
import { createSha256, type HashEngine } from "../../hash/mod.ts";
import { cancellable, collectBytes, verified } from "../../io/mod.ts";
import { type Log, SILENT_LOG } from "../../log.ts";
import { type ImageConfig, parseImageConfig } from "../config.ts";
import { type Digest, hexOf } from "../digest.ts";
import type { Descriptor, ImageManifest } from "../manifest.ts";
import { isForeignLayer } from "../media_types.ts";
import { formatPlatform, hostPlatform, type Platform, platformRank } from "../platform.ts";
import { canonicalName, familiarString, type Reference, withDefaultTag } from "../reference.ts";
import { MAX_JSON_BYTES } from "../strict_json.ts";
import { ANONYMOUS, type Credential, type Credentials } from "./auth.ts";
import { ConfigCache, type FetchConfig } from "./config_cache.ts";
import { download } from "./download.ts";
import { faultOf, statusError } from "./errors.ts";
import { ManifestResolver } from "./resolver.ts";
import { DEFAULT_LIMITS, type RegistryLimits } from "./retry.ts";
import { NO_SETTINGS, type RegistrySettings } from "./settings.ts";
import { listTags } from "./tags.ts";
import { type Asker, type RegistryResponse, RegistryTransport } from "./transport.ts";

/** How a {@link RegistryClient} behaves; every field has a default. */
export interface RegistryOptions extends Partial<RegistrySettings> {
  readonly credentials?: Credentials;
  readonly hashEngine?: HashEngine;
  readonly log?: Log;
}

/** One layer of an image. */
export interface ResolvedLayer {
  readonly descriptor: Descriptor;
  readonly diffId: Digest;
}

/** All that is known about an image before its layers are fetched; every digest and size has been checked. */
export interface ResolvedImage {
  readonly reference: Reference;
  /** What the name pointed at: an index or a manifest. It makes the RepoDigest. */
  readonly topDigest: Digest;
  readonly topMediaType: string;
  /** The index's own bytes, when there is one; otherwise equal to `manifestBytes`. */
  readonly topBytes: Uint8Array<ArrayBuffer>;
  readonly manifestDigest: Digest;
  readonly manifestBytes: Uint8Array<ArrayBuffer>;
  readonly manifest: ImageManifest;
  /** The image's id. */
  readonly configDigest: Digest;
  readonly configBytes: Uint8Array<ArrayBuffer>;
  readonly config: ImageConfig;
  /** Lowest first. */
  readonly layers: readonly ResolvedLayer[];
  readonly platform: Platform;
}

/** A blob on its way; it is not verified yet. */
export interface BlobStream {
  readonly stream: ReadableStream<Uint8Array>;
  /** Position of the stream's first byte in the blob. */
  readonly offsetBytes: number;
  /** Size of the whole blob according to its descriptor. */
  readonly sizeBytes: number;
}

/**
 * A client of the OCI distribution-spec v1.1 (pulling only). One instance serves any number of pulls at once; what it
 * learns (schemes, tokens) it keeps in memory.
 */
export class RegistryClient {
  readonly #transport: RegistryTransport;
  readonly #resolver: ManifestResolver;
  readonly #limits: RegistryLimits;
  readonly #log: Log;
  readonly #hashEngine: HashEngine | undefined;
  readonly #configs = new ConfigCache();

  constructor(options: RegistryOptions = {}) {
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#log = (options.log ?? SILENT_LOG).scope("registry");
    this.#hashEngine = options.hashEngine;
    this.#transport = new RegistryTransport({
      credentials: options.credentials ?? ANONYMOUS,
      settings: { ...NO_SETTINGS, ...options },
      limits: this.#limits,
      log: this.#log,
    });
    this.#resolver = new ManifestResolver(this.#transport, options.hashEngine);
  }

  /**
   * Finds out what a reference means for a platform. Without a platform it is this machine's, and an image that exists
   * for another one only is taken as it is; a platform that was asked for must fit.
   * @throws {TsdError} registry_unreachable, registry_denied, registry_protocol, unauthorized, manifest_unknown,
   * manifest_invalid, platform_unavailable, digest_mismatch, size_mismatch, timeout, cancelled
   */
  async resolveManifest(
    ref: Reference,
    platform?: Platform,
    asker: Asker = {},
  ): Promise<ResolvedImage> {
    const reference = withDefaultTag(ref);
    const { top, image } = await this.#resolver.resolve(reference, platform, asker);
    const { manifest } = image;
    const configBytes = await this.#config(reference, manifest.config, asker);
    const config = parseImageConfig(configBytes, `config of ${familiarString(reference)}`, manifest.layers.length);
    if (top.manifest.kind === "image") checkPlatform(reference, config.platform, platform);
    return {
      reference,
      topDigest: top.digest,
      topMediaType: top.manifest.mediaType,
      topBytes: top.bytes,
      manifestDigest: image.digest,
      manifestBytes: image.bytes,
      manifest,
      configDigest: manifest.config.digest,
      configBytes,
      config,
      layers: manifest.layers.map((descriptor, index) => ({ descriptor, diffId: config.diffIds[index] })),
      platform: config.platform,
    };
  }

  /**
   * Opens a blob. The stream goes on by itself after dropped connections, and then fails with registry_unreachable or
   * timeout; its bytes must be checked by the reader (`verified`).
   * @param options.offset where to begin, in bytes
   * @throws {TsdError} registry_unreachable, registry_denied, registry_protocol, unauthorized, size_mismatch, timeout,
   * cancelled
   */
  async openBlob(
    ref: Reference,
    descriptor: Descriptor,
    { signal, credential, offset = 0 }: Asker & { offset?: number } = {},
  ): Promise<BlobStream> {
    const what = `blob ${descriptor.digest}`;
    const refusal = async ({ status, body, host }: RegistryResponse) =>
      statusError({ ref, host, blob: what }, status, faultOf(await collectBytes(body, { maxBytes: 1 << 20, what })));
    const stream = await download({
      what,
      sizeBytes: descriptor.sizeBytes,
      offsetBytes: offset,
      limits: this.#limits,
      log: this.#log,
      signal,
      open: (headers, inner) => this.#openOnce(ref, descriptor, headers, { credential, signal: inner }),
      refusal,
    });
    return { stream: cancellable(stream, signal), offsetBytes: offset, sizeBytes: descriptor.sizeBytes };
  }

  /** From the registry; a foreign layer that it doesn't have, from where its descriptor says. */
  async #openOnce(
    ref: Reference,
    { digest, mediaType, urls = [] }: Descriptor,
    headers: Record<string, string>,
    asker: Asker,
  ): Promise<RegistryResponse> {
    const response = await this.#transport.open({ ref, path: `blobs/${digest}`, headers, ...asker });
    if (response.status !== 404 || !isForeignLayer(mediaType) || urls.length === 0) return response;
    await response.body.cancel();
    return await this.#openExternal(ref, urls, headers, asker.signal);
  }

  /** The first of the URLs that has the layer; the last one's answer when none has. */
  async #openExternal(
    ref: Reference,
    urls: readonly string[],
    headers: Record<string, string>,
    signal: AbortSignal | undefined,
  ): Promise<RegistryResponse> {
    let last: RegistryResponse | undefined;
    for (const url of urls) {
      const target = URL.parse(url);
      if (target === null) continue;
      await last?.body.cancel();
      last = await this.#transport.openExternal(ref, target, headers, signal);
      if (last.status === 200 || last.status === 206) return last;
    }
    if (last !== undefined) return last;
    throw new TsdError("registry_protocol", "Cannot download a foreign layer: its descriptor has no usable URL");
  }

  /**
   * Finds out whether a registry takes a credential. Gives a token that can be used instead of a password, where the
   * registry has such.
   * @param domain as in references
   * @throws {TsdError} unauthorized, registry_unreachable, registry_protocol, timeout, cancelled, invalid_reference
   */
  async login(domain: string, credential: Credential, signal?: AbortSignal): Promise<string | undefined> {
    return await this.#transport.login(domain, credential, signal);
  }

  /** All tags of the reference's repository. @throws {TsdError} as `resolveManifest` */
  async listTags(ref: Reference, asker: Asker = {}): Promise<string[]> {
    return await listTags(this.#transport, ref, asker);
  }

  async #config(
    ref: Reference,
    descriptor: Descriptor,
    { credential, signal }: Asker,
  ): Promise<Uint8Array<ArrayBuffer>> {
    const what = `config of ${familiarString(ref)}`;
    if (descriptor.sizeBytes > MAX_JSON_BYTES) {
      throw new TsdError("manifest_invalid", `Cannot use ${what}: it is larger than ${MAX_JSON_BYTES} bytes`);
    }
    const fetch: FetchConfig = async (signal) => {
      const { stream } = await this.openBlob(ref, descriptor, { credential, signal });
      const checked = verified(stream, {
        sizeBytes: descriptor.sizeBytes,
        digestHex: hexOf(descriptor.digest),
        what,
        createHasher: () => createSha256(this.#hashEngine),
      });
      return await collectBytes(checked, { maxBytes: MAX_JSON_BYTES, what });
    };
    return await this.#configs.get(canonicalName(ref), descriptor, fetch, signal);
  }
}

/** Only for images that no index chose; variants are often not written into configs. */
function checkPlatform(ref: Reference, found: Platform, requested: Platform | undefined): void {
  if (requested === undefined) {
    if (found.os === hostPlatform().os) return;
    throw new TsdError(
      "platform_unavailable",
      `image operating system "${found.os}" cannot be used on this platform: operating system is not supported`,
    );
  }
  const sameKind = found.os === requested.os &&
    (found.architecture === requested.architecture || found.architecture === "");
  if (sameKind || platformRank(requested, found) !== undefined) return;
  throw new TsdError(
    "platform_unavailable",
    `image with reference ${familiarString(ref)} was found but its platform (${formatPlatform(found)}) ` +
      `does not match the specified platform (${formatPlatform(requested)})`,
  );
}
