/**
 * @module
 * `/exec`: additional processes in running containers; and tsd's `POST /tsd/exec/{id}/attach`, by which a client
 * attaches again after it lost its connection because the engine was replaced.
 */
import { consoleSize } from "../../engine/containers/container_spec.ts";
import { parseExecRequest, parseExecStart } from "../../engine/exec/exec_request.ts";
import { empty, json } from "../http/reply.ts";
import type { Route } from "../http/route.ts";
import type { Engine } from "../../engine/mod.ts";
import { requestedSize, streamType } from "./container_streams.ts";

/** The request header by which a client has an exec started on the same connection as soon as it is created. */
const ATTACH_HEADER = "tsd-attach";

export function execRoutes({ execs: { service: execs } }: Engine): Route[] {
  return [
    {
      method: "POST",
      path: "/containers/{id*}/exec",
      since: "1.24",
      atOnce: { header: ATTACH_HEADER, route: "/exec/{id*}/start" },
      handler: async (request) => {
        const body = parseExecRequest(await request.json());
        const id = await execs.createFor(request.params.id, body);
        if (request.header(ATTACH_HEADER) === undefined) return json({ Id: id }, 201);
        const framed = !body.Tty;
        const run = execs.claim(id, { framed, reportsExitCode: framed });
        return { kind: "hijack", contentType: streamType(request, framed), headers: { "Tsd-Exec-Id": id }, run };
      },
    },
    {
      method: "POST",
      path: "/exec/{id*}/start",
      since: "1.24",
      handler: async (request) => {
        const { Detach: detach, Tty: tty, ConsoleSize: console } = parseExecStart(await request.json());
        const size = tty ? consoleSize(console) : undefined;
        if (detach) {
          await execs.startDetached(request.params.id, size);
          return empty(200);
        }
        const run = execs.claim(request.params.id, { framed: !tty, size });
        return { kind: "hijack", contentType: streamType(request, !tty), run };
      },
    },
    {
      method: "POST",
      path: "/tsd/exec/{id}/attach",
      since: "1.24",
      handler: (request) => {
        const { tty, run } = execs.reattach(request.params.id);
        return { kind: "hijack", contentType: streamType(request, !tty), run };
      },
    },
    {
      method: "POST",
      path: "/exec/{id*}/resize",
      since: "1.24",
      handler: async (request) => {
        await execs.resize(request.params.id, requestedSize(request));
        return empty(200);
      },
    },
    {
      method: "GET",
      path: "/exec/{id*}/json",
      since: "1.24",
      handler: ({ params }) => json(execs.inspect(params.id)),
    },
  ];
}
