import type { AuthConfig, CheckedPart, ImageSummary, OciPlatform, ProgressMessage } from "../api_types/mod.ts";
import { encodeFilters, type ListFilters } from "./filters.ts";
import { Image, type PlatformOptions, platformQuery } from "./image.ts";
import { type ProgressListener, progressMessages, type ReportedError } from "./progress.ts";
import { type CallOptions, Resource } from "./resource.ts";
import type { EngineResponse, EngineTransport } from "./transport.ts";

/** Options of {@link Images.list}. */
export interface ListImagesOptions extends CallOptions {
  /** Includes intermediate images. */
  readonly all?: boolean;
  readonly filters?: ListFilters;
}

/** Options of {@link Images.pull}. */
export interface PullOptions extends CallOptions {
  /** `os/arch[/variant]`; default: the engine's. */
  readonly platform?: string | undefined;
  /** Credentials for the image's registry. Default: none; credential stores aren't read. */
  readonly auth?: AuthConfig | undefined;
  /** Pulls all tags of the repository instead of the tag `latest` if the reference has neither tag nor digest. */
  readonly allTags?: boolean;
  /** Called for each message of progress and awaited before the next one. */
  readonly onProgress?: ProgressListener | undefined;
}

/** Options of {@link Images.load}. */
export interface LoadOptions extends CallOptions {
  /** Loads only the images of this platform. */
  readonly platform?: OciPlatform;
  /** Reports only the names of the loaded images. */
  readonly quiet?: boolean;
  readonly onProgress?: ProgressListener | undefined;
}

/** The images of an engine. */
export class Images {
  readonly #resource: Resource;

  constructor(transport: EngineTransport) {
    this.#resource = new Resource(transport, "/images");
  }

  /** Returns the image of a reference, an id or the beginning of an id. Sends no request: it need not exist. */
  get(name: string): Image {
    return new Image(this.#resource.transport, name);
  }

  /** Lists images, the latest ones first. */
  async list({ all, filters = {}, signal }: ListImagesOptions = {}): Promise<ImageSummary[]> {
    return await this.#resource.json("GET", "/json", { query: { all, filters: encodeFilters(filters) }, signal });
  }

  /**
   * Pulls an image: `busybox`, `registry.example/team/app:1.2`, `app@sha256:…`.
   * @throws {TsdError} invalid_reference, manifest_unknown, unauthorized, registry_unreachable, cancelled and others of the
   * registry
   */
  async pull(reference: string, { onProgress, ...options }: PullOptions = {}): Promise<Image> {
    for await (const message of this.#pull(reference, options)) await onProgress?.(message);
    return this.get(reference);
  }

  /** Loads the images of a `docker save` archive or of an OCI image layout, possibly compressed. */
  async load(
    archive: AsyncIterable<Uint8Array>,
    { quiet = false, platform, signal, onProgress }: LoadOptions = {},
  ): Promise<void> {
    const query = { quiet, ...platformQuery({ ...(platform && { platform }) }) };
    const headers = { "Content-Type": "application/x-tar" };
    const { body } = await this.#resource.request("POST", "/load", { query, headers, upload: archive, signal });
    for await (const message of progressMessages(body, "archive_invalid")) await onProgress?.(message);
  }

  /** Returns a tar archive of images as the body. */
  save(names: readonly string[], { signal, ...platform }: PlatformOptions & CallOptions = {}): Promise<EngineResponse> {
    return this.#resource.request("GET", "/get", { query: { names, ...platformQuery(platform) }, signal });
  }

  /**
   * Reads the content of images and compares it with the digests. An extension of tsd.
   * @param names default: all images
   * @throws {TsdError} image_not_found, storage
   */
  async *check(names: readonly string[] = [], { signal }: CallOptions = {}): AsyncGenerator<CheckedPart> {
    const extension = new Resource(this.#resource.transport, "/tsd");
    const { body } = await extension.request("GET", "/check", { query: { image: names }, signal });
    yield* progressMessages<CheckedPart & ReportedError>(body, "storage");
  }

  async *#pull(
    reference: string,
    { platform, auth, allTags = false, signal }: Omit<PullOptions, "onProgress">,
  ): AsyncGenerator<ProgressMessage> {
    const { name, tag } = splitReference(reference);
    const query = { fromImage: name, tag: tag ?? (allTags ? undefined : "latest"), platform };
    const headers: Record<string, string> = auth === undefined ? {} : { "X-Registry-Auth": encodeAuth(auth) };
    const { body } = await this.#resource.request("POST", "/create", { query, headers, signal });
    yield* progressMessages(body, "registry_protocol");
  }
}

/** Splits a reference into the query parameters `fromImage` and `tag` (which may be a digest) of `ImageCreate`. */
function splitReference(reference: string): { readonly name: string; readonly tag: string | undefined } {
  const [, name, tag] = /^([^@]+?)(?::[\w][\w.-]*)?@(.+)$/.exec(reference) ?? /^(.+):([\w][\w.-]*)$/.exec(reference) ??
    [undefined, reference, undefined];
  return { name: name!, tag };
}

const encodeAuth = (auth: AuthConfig): string =>
  new TextEncoder().encode(JSON.stringify(auth)).toBase64({ alphabet: "base64url" });
