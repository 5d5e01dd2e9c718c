/**
 * @module
 * `/exec`: further processes in running containers; and tsd's own `POST /tsd/exec/{id}/attach`, for a client that lost its
 * connection when the engine went away.
 */
import { isConsoleSize, isObject } from "../../engine/request_shapes.ts";
import { consoleSize } from "../../engine/containers/container_spec.ts";
import { TsdError } from "../../errors.ts";
import { empty, json } from "../http/reply.ts";
import type { Route } from "../http/route.ts";
import type { Services } from "../services.ts";
import type { ExecCreateRequest, ExecStartRequest } from "../../api_types/mod.ts";
import { requestedSize, streamType } from "./container_streams.ts";

/** A request's header by which a client has an exec started as soon as it is made, on the same connection. */
const AT_ONCE = "tsd-attach";

export function execRoutes({ execs }: Services): Route[] {
  return [
    {
      method: "POST",
      path: "/containers/{id*}/exec",
      since: "1.24",
      atOnce: { header: AT_ONCE, route: "/exec/{id*}/start" },
      handler: async (request) => {
        const body = parseExec(await request.json());
        const id = await execs.createFor(request.params.id, body);
        if (request.header(AT_ONCE) === undefined) return json({ Id: id }, 201);
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
        const { Detach: detach, Tty: tty, ConsoleSize: console } = parseStart(await request.json());
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

function parseExec(body: unknown): ExecCreateRequest {
  if (!isObject(body)) throw noObject();
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
    : !text(request.DetachKeys)
    ? "DetachKeys"
    : !size(request.ConsoleSize)
    ? "ConsoleSize"
    : !flag(request.Tty)
    ? "Tty"
    : undefined;
  if (wrong !== undefined) throw wrongType(wrong);
  return request;
}

/** Nothing is as good as an empty one. */
function parseStart(body: unknown): ExecStartRequest {
  const given = body ?? {};
  if (!isObject(given)) throw noObject();
  const request = given as ExecStartRequest;
  const wrong = !flag(request.Detach)
    ? "Detach"
    : !flag(request.Tty)
    ? "Tty"
    : !size(request.ConsoleSize)
    ? "ConsoleSize"
    : undefined;
  if (wrong !== undefined) throw wrongType(wrong);
  return request;
}

const noObject = () => new TsdError("invalid_argument", "Invalid exec configuration: an object is needed");
const wrongType = (name: string) =>
  new TsdError("invalid_argument", `Invalid exec configuration: ${name} has the wrong type`);
const flag = (value: unknown) => value === undefined || value === null || typeof value === "boolean";
const size = (value: unknown) => value === undefined || value === null || isConsoleSize(value);

const isText = (value: unknown): boolean => typeof value === "string" && !value.includes("\0");
