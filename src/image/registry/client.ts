/**
 * @module
 * The engine's interface to registries: resolving references and downloading blobs.
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
import { type PullOptions, type RegistryResponse, RegistryTransport } from "./transport.ts";

/** Options of a {@link RegistryClient}; every field has a default. */
export interface RegistryOptions extends Partial<RegistrySettings> {
  readonly credentials?: Credentials;
  readonly hashEngine?: HashEngine;
  readonly log?: Log;
}

/** A layer of an image. */
export interface ResolvedLayer {
  readonly descriptor: Descriptor;
  readonly diffId: Digest;
}

/** What is known about an image before its layers are fetched; every digest and size was verified. */
export interface ResolvedImage {
  readonly reference: Reference;
  /** Digest of what the reference named, an index or a manifest; used in the RepoDigest. */
  readonly topDigest: Digest;
  readonly topMediaType: string;
  /** The bytes of the index, if there is one; otherwise equal to `manifestBytes`. */
  readonly topBytes: Uint8Array<ArrayBuffer>;
  readonly manifestDigest: Digest;
  readonly manifestBytes: Uint8Array<ArrayBuffer>;
  readonly manifest: ImageManifest;
  /** The image id. */
  readonly configDigest: Digest;
  readonly configBytes: Uint8Array<ArrayBuffer>;
  readonly config: ImageConfig;
  /** Lowest layer first. */
  readonly layers: readonly ResolvedLayer[];
  readonly platform: Platform;
}

/** A blob that is being downloaded; it is not verified yet. */
export interface BlobStream {
  readonly stream: ReadableStream<Uint8Array>;
  /** Offset of the stream's first byte in the blob. */
  readonly offsetBytes: number;
  /** Size of the whole blob according to its descriptor. */
  readonly sizeBytes: number;
}

/**
 * A pull client for the OCI distribution-spec v1.1. One instance may serve any number of concurrent pulls; it keeps
 * what it learns (schemes, tokens) in memory.
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
   * Resolves a reference for a platform. Without a platform the host's is used, and an image without an index is
   * accepted for any architecture; an explicit platform has to match.
   * @throws {TsdError} registry_unreachable, registry_denied, registry_protocol, unauthorized, manifest_unknown,
   * manifest_invalid, platform_unavailable, digest_mismatch, size_mismatch, timeout, cancelled
   */
  async resolveManifest(
    ref: Reference,
    platform?: Platform,
    options: PullOptions = {},
  ): Promise<ResolvedImage> {
    const reference = withDefaultTag(ref);
    const { top, image } = await this.#resolver.resolve(reference, platform, options);
    const { manifest } = image;
    const configBytes = await this.#config(reference, manifest.config, options);
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
   * Opens a blob. The stream resumes after lost connections, and finally fails with registry_unreachable or timeout;
   * the reader has to verify its bytes (`verified`).
   * @param options.offset where to start, in bytes
   * @throws {TsdError} registry_unreachable, registry_denied, registry_protocol, unauthorized, size_mismatch, timeout,
   * cancelled
   */
  async openBlob(
    ref: Reference,
    descriptor: Descriptor,
    { signal, credential, offset = 0 }: PullOptions & { offset?: number } = {},
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

  /** Requests a blob from the registry, or a foreign layer that it doesn't have from the descriptor's URLs. */
  async #openOnce(
    ref: Reference,
    { digest, mediaType, urls = [] }: Descriptor,
    headers: Record<string, string>,
    options: PullOptions,
  ): Promise<RegistryResponse> {
    const response = await this.#transport.open({ ref, path: `blobs/${digest}`, headers, ...options });
    if (response.status !== 404 || !isForeignLayer(mediaType) || urls.length === 0) return response;
    await response.body.cancel();
    return await this.#openExternal(ref, urls, headers, options.signal);
  }

  /** Returns the response of the first URL that has the layer; if none has, that of the last one. */
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
   * Checks whether a registry accepts a credential. Returns a token to use in place of the password, if the registry
   * issues one.
   * @param domain the domain of references
   * @throws {TsdError} unauthorized, registry_unreachable, registry_protocol, timeout, cancelled, invalid_reference
   */
  async login(domain: string, credential: Credential, signal?: AbortSignal): Promise<string | undefined> {
    return await this.#transport.login(domain, credential, signal);
  }

  /** Lists all tags of the reference's repository. @throws {TsdError} as `resolveManifest` */
  async listTags(ref: Reference, options: PullOptions = {}): Promise<string[]> {
    return await listTags(this.#transport, ref, options);
  }

  async #config(
    ref: Reference,
    descriptor: Descriptor,
    { credential, signal }: PullOptions,
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

/** Only for images without an index; configs often lack the variant. */
function checkPlatform(ref: Reference, found: Platform, requested: Platform | undefined): void {
  if (requested === undefined) {
    if (found.os === hostPlatform().os) return;
    throw new TsdError(
      "platform_unavailable",
      `image operating system "${found.os}" cannot be used on this platform: operating system is not supported`,
    );
  }
  const isSameArchitecture = found.os === requested.os &&
    (found.architecture === requested.architecture || found.architecture === "");
  if (isSameArchitecture || platformRank(requested, found) !== undefined) return;
  throw new TsdError(
    "platform_unavailable",
    `image with reference ${familiarString(ref)} was found but its platform (${formatPlatform(found)}) ` +
      `does not match the specified platform (${formatPlatform(requested)})`,
  );
}
