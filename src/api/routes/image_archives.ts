/**
 * @module
 * `/images/load`, `/images/get` and `/images/{name}/get`: loading and saving images as archives.
 */
import { type ErrorCode, isTsdError, TsdError } from "../../errors.ts";
import { platformIn } from "../http/platform_param.ts";
import { jsonLines, type Reply, started } from "../http/reply.ts";
import type { ApiRequest, Route } from "../http/route.ts";
import type { Engine } from "../../engine/mod.ts";
import { withErrorInBand } from "./progress.ts";

/** Errors that are the client's fault if they concern an upload, but not if they concern a registry's content. */
const CLIENT_ERRORS: readonly ErrorCode[] = [
  ...["archive_invalid", "manifest_invalid", "layer_invalid", "layer_too_large"] as const,
  ...["digest_mismatch", "size_mismatch"] as const,
];

export function imageArchiveRoutes(engine: Engine): Route[] {
  return [
    {
      method: "POST",
      path: "/images/load",
      since: "1.24",
      handler: (request) => load(engine, request),
    },
    {
      method: "GET",
      path: "/images/get",
      since: "1.24",
      handler: (request) => save(engine, request, request.query.all("names")),
    },
    {
      method: "GET",
      path: "/images/{name*}/get",
      since: "1.24",
      handler: (request) => save(engine, request, [request.params.name]),
    },
  ];
}

/**
 * Loads an archive. Unlike in Docker, an archive that fails before any progress gets an error status. The rest of the
 * archive is received first, because clients report a closed connection rather than read the response.
 */
async function load({ images: { loader: imageLoader } }: Engine, request: ApiRequest): Promise<Reply> {
  const { query, version, signal } = request;
  const options = { platform: platformIn(query, version, "1.48"), isQuiet: query.flag("quiet", true), signal };
  const chunks = request.upload()[Symbol.asyncIterator]();
  const upload = { [Symbol.asyncIterator]: () => ({ next: () => chunks.next() }) };
  try {
    return jsonLines(withErrorInBand(await started(imageLoader.load(upload, options))));
  } catch (thrown) {
    while (!signal.aborted && !(await chunks.next()).done);
    if (!isTsdError(thrown, ...CLIENT_ERRORS)) throw thrown;
    throw new TsdError("invalid_argument", thrown.message, { cause: thrown });
  }
}

async function save(
  { images: { saver: imageSaver } }: Engine,
  request: ApiRequest,
  names: readonly string[],
): Promise<Reply> {
  const { query, version, signal } = request;
  const body = await imageSaver.save(names, { platform: platformIn(query, version, "1.48"), signal });
  return { kind: "stream", contentType: "application/x-tar", body: await started(body) };
}
