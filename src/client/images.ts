import type {
  AuthConfig,
  AuthResponse,
  CheckedPart,
  ImageDeleteItem,
  ImageHistoryItem,
  ImageInspect,
  ImageSummary,
  OciPlatform,
  ProgressMessage,
} from "../api_types/mod.ts";
import { type ErrorCode, TsdError } from "../errors.ts";
import { errorCode } from "./engine_error.ts";
import { encodeFilters, type ListFilters } from "./filters.ts";
import { jsonLines } from "./json_lines.ts";
import {
  type ByteSource,
  discard,
  type EngineResponse,
  type EngineTransport,
  escapeName,
  readJson,
} from "./transport.ts";

export async function listImages(
  engine: EngineTransport,
  { all, filters = {} }: { all?: boolean; filters?: ListFilters } = {},
): Promise<ImageSummary[]> {
  const query = { all, filters: encodeFilters(filters) };
  return await readJson(await engine.request({ method: "GET", path: "/images/json", query }));
}

/** Which of an image's platforms is meant; another one is not found. */
export interface PlatformChoice {
  readonly platform?: OciPlatform;
}

const platformQuery = ({ platform }: PlatformChoice) =>
  platform === undefined ? {} : { platform: JSON.stringify(platform) };

export async function inspectImage(
  engine: EngineTransport,
  name: string,
  choice: PlatformChoice = {},
): Promise<ImageInspect> {
  const path = `/images/${escapeName(name)}/json`;
  return await readJson(await engine.request({ method: "GET", path, query: platformQuery(choice) }));
}

/** The steps that made an image, newest first. */
export async function imageHistory(
  engine: EngineTransport,
  name: string,
  choice: PlatformChoice = {},
): Promise<ImageHistoryItem[]> {
  const path = `/images/${escapeName(name)}/history`;
  return await readJson(await engine.request({ method: "GET", path, query: platformQuery(choice) }));
}

/** Gives an image one more name. */
export async function tagImage(
  engine: EngineTransport,
  name: string,
  { repository, tag }: { repository: string; tag: string },
): Promise<void> {
  const query = { repo: repository, tag };
  await discard(await engine.request({ method: "POST", path: `/images/${escapeName(name)}/tag`, query }));
}

export async function removeImage(
  engine: EngineTransport,
  name: string,
  { force, keepParents, platforms = [] }: {
    force?: boolean;
    keepParents?: boolean;
    platforms?: readonly OciPlatform[];
  } = {},
): Promise<ImageDeleteItem[]> {
  const query = { force, noprune: keepParents, platforms: platforms.map((platform) => JSON.stringify(platform)) };
  return await readJson(await engine.request({ method: "DELETE", path: `/images/${escapeName(name)}`, query }));
}

/** What to pull; `tag` may be a digest. Without one it is all tags of the repository. */
export interface PullRequest {
  readonly name: string;
  readonly tag?: string | undefined;
  readonly platform?: string | undefined;
  readonly auth?: AuthConfig | undefined;
  readonly signal?: AbortSignal;
}

/** Pulls an image; ends when it is there. @throws {TsdError} also for errors inside the stream of progress */
export async function* pullImage(
  engine: EngineTransport,
  { name, tag, platform, auth, signal }: PullRequest,
): AsyncGenerator<ProgressMessage> {
  const query = { fromImage: name, tag, platform };
  const headers: Record<string, string> = auth === undefined ? {} : { "X-Registry-Auth": encoded(auth) };
  const request = { method: "POST", path: "/images/create", query, headers } as const;
  const { body } = await engine.request(signal === undefined ? request : { ...request, signal });
  yield* progressOf(body, "registry_protocol");
}

/**
 * Has images read and compared with their digests, all if none is named; ends when all parts of them were looked at.
 * @throws {TsdError} image_not_found; also for errors inside the stream
 */
export async function* checkImages(engine: EngineTransport, images: readonly string[]): AsyncGenerator<CheckedPart> {
  const { body } = await engine.request({ method: "GET", path: "/tsd/check", query: { image: images } });
  yield* progressOf<CheckedPart & InBandError>(body, "storage");
}

type InBandError = Pick<ProgressMessage, "error" | "errorDetail">;

/** @param otherwise what went wrong where the engine doesn't say it. @throws {TsdError} errors that the stream tells of */
async function* progressOf<T extends InBandError = ProgressMessage>(
  body: ByteSource,
  otherwise: ErrorCode,
): AsyncGenerator<T> {
  for await (const message of jsonLines<T>(body)) {
    const failure = message.errorDetail?.message ?? message.error;
    if (failure !== undefined) throw new TsdError(errorCode(message.errorDetail?.tsdCode) ?? otherwise, failure);
    yield message;
  }
}

/** Loads the images of an archive. @throws {TsdError} also for errors inside the stream of progress */
export async function* loadImages(
  engine: EngineTransport,
  upload: AsyncIterable<Uint8Array>,
  { quiet, ...choice }: PlatformChoice & { readonly quiet: boolean },
): AsyncGenerator<ProgressMessage> {
  const query = { quiet, ...platformQuery(choice) };
  const headers = { "Content-Type": "application/x-tar" };
  const { body } = await engine.request({ method: "POST", path: "/images/load", query, headers, upload });
  yield* progressOf(body, "archive_invalid");
}

/** An archive of images, in the answer's body. */
export function saveImages(
  engine: EngineTransport,
  names: readonly string[],
  choice: PlatformChoice = {},
): Promise<EngineResponse> {
  const query = { names, ...platformQuery(choice) };
  return engine.request({ method: "GET", path: "/images/get", query });
}

/** Asks a registry, through the engine, whether it knows this user. @throws {TsdError} unauthorized, registry_* */
export async function login(engine: EngineTransport, auth: AuthConfig): Promise<AuthResponse> {
  return await readJson(await engine.request({ method: "POST", path: "/auth", body: auth }));
}

const encoded = (auth: AuthConfig): string =>
  new TextEncoder().encode(JSON.stringify(auth)).toBase64({ alphabet: "base64url" });
