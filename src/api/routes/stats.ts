/**
 * @module
 * `GET /containers/{id}/stats`.
 */
import type { Reply } from "../http/reply.ts";
import type { ApiRequest, Route } from "../http/route.ts";
import { TsdError } from "../../errors.ts";
import type { Engine } from "../../engine/mod.ts";

export function statsRoutes(engine: Pick<Engine, "tasks">): Route[] {
  return [
    {
      method: "GET",
      path: "/containers/{id*}/stats",
      since: "1.24",
      handler: (request) => watch(engine, request),
    },
  ];
}

function watch({ tasks: { stats } }: Pick<Engine, "tasks">, { params, query, signal }: ApiRequest): Reply {
  const options = { stream: query.flag("stream", true), oneShot: query.flag("one-shot") };
  if (options.stream && options.oneShot) {
    throw new TsdError("invalid_argument", "cannot have stream=true and one-shot=true");
  }
  const samples = stats.watch(params.id, options, signal);
  return {
    kind: "stream",
    contentType: "application/json",
    body: (async function* () {
      const encoder = new TextEncoder();
      for await (const sample of samples) yield encoder.encode(JSON.stringify(sample) + "\n");
    })(),
  };
}
