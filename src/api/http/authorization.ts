/**
 * @module
 * Plugins at the door: they are asked about a request before anything is done about it, and told how it was answered. Who
 * decides sees all of what is decided on: a body comes whole, or the request is refused.
 */
import { isTsdError, TsdError } from "../../errors.ts";
import type { HookBus, HookContexts } from "../../plugins/mod.ts";
import type { RequestHead } from "./request_handler.ts";
import type { Reply } from "./reply.ts";
import type { Match } from "./route.ts";

/** What plugins are asked and told through. */
export type AuthorizationHooks = Pick<HookBus, "isSubscribed" | "callSequential" | "callParallel">;

/** The two ways to a request's body. */
export interface RequestBody {
  whole(): Promise<Uint8Array>;
  upload(): AsyncIterable<Uint8Array>;
}

/** A request whose route was found. */
export interface RequestForAuthorization {
  readonly request: RequestHead;
  readonly match: Match;
  /** Without the version's prefix. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: RequestBody;
}

/** Headers with secrets in them. */
const SECRET_HEADERS = new Set([
  "authorization",
  "cookie",
  "proxy-authorization",
  "x-registry-auth",
  "x-registry-config",
]);
/** Whose body is a password, or has settings of plugins in it. */
const SECRET_ROUTES = new Set(["/auth", "/tsd/plugins", "/tsd/plugins/test", "/tsd/plugins/{name}/enable"]);
/** A body of this size is never too long as JSON. */
const SURELY_SHORT_BYTES = 1 << 20;
/** Characters that a body may have as JSON; base64 of the largest body is not longer. */
const LONGEST_TEXT = 6 << 20;

/**
 * The body as it is to be read from now on: the very bytes that plugins have seen.
 * @throws {TsdError} permission_denied: a plugin refuses it, or it can't be shown whole
 */
export async function authorizeRequest(
  hooks: AuthorizationHooks | undefined,
  requested: RequestForAuthorization,
): Promise<RequestBody> {
  if (!hooks?.isSubscribed("api.request")) return requested.body;
  const bytes = await wholeBody(requested);
  await hooks.callSequential("api.request", () => contextOf(requested, bytes));
  const { atOnce } = requested.match.route;
  if (atOnce !== undefined && requested.request.headers[atOnce.header] !== undefined) {
    await hooks.callSequential("api.request", () => contextAtOnce(requested, atOnce.route));
  }
  return {
    whole: () => Promise.resolve(bytes),
    upload: async function* () {
      await Promise.resolve();
      if (bytes.length > 0) yield bytes;
    },
  };
}

async function wholeBody({ body }: RequestForAuthorization): Promise<Uint8Array> {
  try {
    return await body.whole();
  } catch (cause) {
    if (!isTsdError(cause, "payload_too_large")) throw cause;
    const why = "a plugin decides about requests, and this one's body is too large to be shown to it";
    throw new TsdError("permission_denied", `Refused: ${why}`, { cause });
  }
}

function contextOf(
  { request, match, path, query }: RequestForAuthorization,
  bytes: Uint8Array,
): HookContexts["api.request"] {
  const names = [...new Set(query.keys())];
  const headers = Object.entries(request.headers).flatMap(([name, value]): [string, string][] =>
    SECRET_HEADERS.has(name) || value === undefined ? [] : [[name, Array.isArray(value) ? value.join(", ") : value]]
  );
  return {
    method: request.method ?? "GET",
    path,
    route: match.route.path,
    params: Object.fromEntries(Object.entries(match.params).filter(([name]) => name !== "_")),
    query: Object.fromEntries(names.map((name) => [name, query.getAll(name)])),
    headers: Object.fromEntries(headers),
    ...shown(match.route.path, bytes),
  };
}

/** As if the second step were a request of its own. */
function contextAtOnce(requested: RequestForAuthorization, route: string): HookContexts["api.request"] {
  const { params, body: _, ...context } = contextOf(requested, new Uint8Array());
  const path = route.replace(/\{(\w+)\*?\}/g, (_, name) => encodeURIComponent(params[name] ?? ""));
  return { ...context, params, route, path, query: {}, bodyEncoding: "none" };
}

function shown(route: string, bytes: Uint8Array): Pick<HookContexts["api.request"], "body" | "bodyEncoding"> {
  if (bytes.length === 0) return { bodyEncoding: "none" };
  if (SECRET_ROUTES.has(route)) return { bodyEncoding: "secret" };
  // Control characters take six bytes in JSON: the largest body would be too large to be shown.
  const mayBeTooLong = bytes.length > SURELY_SHORT_BYTES;
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    if (!mayBeTooLong || JSON.stringify(text).length < LONGEST_TEXT) return { body: text, bodyEncoding: "text" };
    return { body: new Uint8Array(bytes).toBase64(), bodyEncoding: "base64" };
  } catch (thrown) {
    if (!(thrown instanceof TypeError)) throw thrown;
    return { body: new Uint8Array(bytes).toBase64(), bodyEncoding: "base64" };
  }
}
/** What is to be called when the answer is known: plugins are told of it, once. */
export function authorizeResponse(
  hooks: AuthorizationHooks | undefined,
  method = "GET",
): (match: Match | undefined, status: number) => void {
  const started = performance.now();
  let isReported = false;
  return (match, status) => {
    if (isReported) return;
    isReported = true;
    const durationMs = Math.round(performance.now() - started);
    hooks?.callParallel("api.answered", () => ({ method, route: match?.route.path ?? "", status, durationMs }));
  };
}

/** Of an answer that succeeds, and is no upgrade. */
export const statusOf = (reply: Reply): number =>
  reply.kind === "stream" || reply.kind === "hijack" ? 200 : reply.status;
