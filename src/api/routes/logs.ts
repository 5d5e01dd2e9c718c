/**
 * @module
 * Container logs: Docker's `GET /containers/{id}/logs`, and tsd's `POST /tsd/containers/{id}/logs/clear`.
 */
import { TsdError } from "../../errors.ts";
import { empty, type Reply, started } from "../http/reply.ts";
import type { ApiRequest, Route } from "../http/route.ts";
import type { Engine } from "../../engine/mod.ts";
import { timestamp } from "../views/container_view.ts";
import { streamType } from "./container_streams.ts";
import { logChunks } from "./log_chunks.ts";

/**
 * With this header, tsd's clients request each record's position, so that they can resume after their connection was
 * lost.
 */
const POSITIONS_HEADER = "tsd-log-positions";
const POSITIONS_TYPE = "application/vnd.tsd.log-positions";

export function logRoutes(engine: Engine): Route[] {
  return [
    {
      method: "GET",
      path: "/containers/{id*}/logs",
      since: "1.24",
      handler: (request) => containerLogs(engine, request),
    },
    {
      method: "POST",
      path: "/tsd/containers/{id}/logs/clear",
      since: "1.24",
      handler: async ({ params }) => {
        await engine.containers.logs.clear(params.id);
        return empty();
      },
    },
  ];
}

async function containerLogs({ containers: { logs, table } }: Engine, request: ApiRequest): Promise<Reply> {
  const { query, params, signal } = request;
  const container = table.find(params.id);
  const batches = await logs.read(container.id, {
    stdout: query.flag("stdout"),
    stderr: query.flag("stderr"),
    follow: query.flag("follow"),
    since: rfc3339(query.text("since")),
    until: rfc3339(query.text("until")),
    tail: tail(query.text("tail")),
    signal,
  });
  const positions = request.header(POSITIONS_HEADER) !== undefined;
  const multiplexed = positions || !(container.record.config.Tty ?? false);
  const format = { timestamps: query.flag("timestamps"), details: query.flag("details"), multiplexed, positions };
  const contentType = positions ? POSITIONS_TYPE : streamType(request, multiplexed);
  const chunks = logChunks(batches, format);
  // The first record of a log that is followed may be a long time coming.
  const endless = query.flag("follow");
  return { kind: "stream", contentType, body: endless ? chunks : await started(chunks), endless };
}

/** Parses `tail`: `all`, empty or a number. Like Docker, anything that is not a number means all. */
function tail(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}

/**
 * Converts seconds since 1970 with up to nine decimals to RFC 3339. 0 is no bound; a negative time is an empty string,
 * which is before all times.
 */
function rfc3339(text: string | undefined): string | undefined {
  if (text === undefined || text === "0") return undefined;
  const match = /^(-?)(\d{1,12})(?:\.(\d{1,9}))?$/.exec(text);
  if (match === null) throw new TsdError("invalid_argument", `invalid timestamp: ${JSON.stringify(text)}`);
  const [, sign, seconds, fraction = ""] = match;
  if (sign === "-") return "";
  return `${timestamp(Number(seconds) * 1000).slice(0, -10)}${fraction.padEnd(9, "0")}Z`;
}
