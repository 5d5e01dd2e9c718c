/**
 * @module
 * `/exec`: further processes in running containers.
 */
import { TsdError } from "../../errors.ts";
import { empty, json } from "../http/reply.ts";
import type { Route } from "../http/route.ts";
import type { Services } from "../services.ts";
import type { ExecCreateRequest, ExecStartRequest } from "../wire/mod.ts";
import { streamType } from "./container_streams.ts";

export function execRoutes({ execs }: Services): Route[] {
  return [
    {
      method: "POST",
      path: "/containers/{id}/exec",
      since: "1.24",
      handler: async (request) => json({ Id: execs.create(request.params.id, parseExec(await request.json())) }, 201),
    },
    {
      method: "POST",
      path: "/exec/{id}/start",
      since: "1.24",
      handler: async (request) => {
        const { Detach: detach = false, Tty: tty = false } = (await request.json() ?? {}) as ExecStartRequest;
        if (tty) throw new TsdError("not_implemented", "Cannot exec: a terminal (-t) is not supported yet");
        if (detach) {
          await execs.startDetached(request.params.id);
          return empty(200);
        }
        return { kind: "hijack", contentType: streamType(request), run: execs.claim(request.params.id) };
      },
    },
    {
      method: "GET",
      path: "/exec/{id}/json",
      since: "1.24",
      handler: ({ params }) => json(execs.inspect(params.id)),
    },
  ];
}

function parseExec(body: unknown): ExecCreateRequest {
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    throw new TsdError("invalid_argument", "Invalid exec configuration: an object is needed");
  }
  const request = body as ExecCreateRequest;
  const texts = (value: unknown) =>
    value === undefined || value === null || (Array.isArray(value) && value.every((item) => isText(item)));
  const text = (value: unknown) => value === undefined || value === null || isText(value);
  const wrong = !texts(request.Cmd)
    ? "Cmd"
    : !texts(request.Env)
    ? "Env"
    : !text(request.User)
    ? "User"
    : !text(request.WorkingDir)
    ? "WorkingDir"
    : undefined;
  if (wrong !== undefined) {
    throw new TsdError("invalid_argument", `Invalid exec configuration: ${wrong} has the wrong type`);
  }
  return request;
}

const isText = (value: unknown): boolean => typeof value === "string" && !value.includes("\0");
