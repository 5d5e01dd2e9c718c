/**
 * @module
 * `/images/load`, `/images/get` and `/images/{name}/get`: images as archives.
 */
import { type ErrorCode, isTsdError, TsdError } from "../../errors.ts";
import { platformIn } from "../http/platform_param.ts";
import { jsonLines, type Reply, started } from "../http/reply.ts";
import type { ApiRequest, Route } from "../http/route.ts";
import type { Services } from "../services.ts";
import { withErrorInBand } from "./progress.ts";

/** What is wrong with an upload is the mistake of whoever sent it; the same in what a registry sends isn't. */
const SENDERS_MISTAKES: readonly ErrorCode[] = [
  ...["archive_invalid", "manifest_invalid", "layer_invalid", "layer_too_large"] as const,
  ...["digest_mismatch", "size_mismatch"] as const,
];

export function imageArchiveRoutes(services: Services): Route[] {
  return [
    {
      method: "POST",
      path: "/images/load",
      since: "1.24",
      handler: (request) => load(services, request),
    },
    {
      method: "GET",
      path: "/images/get",
      since: "1.24",
      handler: (request) => save(services, request, request.query.all("names")),
    },
    {
      method: "GET",
      path: "/images/{name*}/get",
      since: "1.24",
      handler: (request) => save(services, request, [request.params.name]),
    },
  ];
}

/**
 * Unlike in Docker, an archive that nothing comes of has a status that says so. Clients would rather complain of a connection
 * that is closed than look for an answer, so the rest of the archive is taken before it is given.
 */
async function load({ imageLoader }: Services, request: ApiRequest): Promise<Reply> {
  const { query, version, signal } = request;
  const options = { platform: platformIn(query, version, "1.48"), isQuiet: query.flag("quiet", true), signal };
  const chunks = request.upload()[Symbol.asyncIterator]();
  const upload = { [Symbol.asyncIterator]: () => ({ next: () => chunks.next() }) };
  try {
    return jsonLines(withErrorInBand(await started(imageLoader.load(upload, options))));
  } catch (thrown) {
    while (!signal.aborted && !(await chunks.next()).done);
    if (!isTsdError(thrown, ...SENDERS_MISTAKES)) throw thrown;
    throw new TsdError("invalid_argument", thrown.message, { cause: thrown });
  }
}

async function save({ imageSaver }: Services, request: ApiRequest, names: readonly string[]): Promise<Reply> {
  const { query, version, signal } = request;
  const body = await imageSaver.save(names, { platform: platformIn(query, version, "1.48"), signal });
  return { kind: "stream", contentType: "application/x-tar", body: await started(body) };
}
