/**
 * @module
 * Authorization by plugins: they may refuse a request before it has any effect, and are notified of the response.
 * Plugins see everything that they decide on: a request whose body can't be passed as a whole is refused.
 */
import { isTsdError, TsdError } from "../../errors.ts";
import type { HookBus, HookContexts } from "../../plugins/mod.ts";
import type { RequestHead } from "./request_handler.ts";
import type { Reply } from "./reply.ts";
import type { Match } from "./route.ts";

/** The part of the hook bus used here. */
export type AuthorizationHooks = Pick<HookBus, "isSubscribed" | "callSequential" | "callParallel">;

/** Access to a request's body: as a whole, or as a stream. */
export interface RequestBody {
  whole(): Promise<Uint8Array>;
  upload(): AsyncIterable<Uint8Array>;
}

/** A request with its route. */
export interface RequestForAuthorization {
  readonly request: RequestHead;
  readonly match: Match;
  /** Path without the version prefix. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: RequestBody;
}

/** Headers that may contain secrets. */
const SECRET_HEADERS = new Set([
  "authorization",
  "cookie",
  "proxy-authorization",
  "x-registry-auth",
  "x-registry-config",
]);
/** Routes whose body is a password or contains settings of plugins. */
const SECRET_ROUTES = new Set(["/auth", "/tsd/plugins", "/tsd/plugins/test", "/tsd/plugins/{name}/enable"]);
/** Bodies up to this size are never too long after JSON encoding. */
const ALWAYS_SHORT_BYTES = 1 << 20;
/** Maximum length of a body as a JSON string, in characters; the largest body is shorter in base64. */
const MAX_TEXT_LENGTH = 6 << 20;

/**
 * Asks the plugins. Returns the body to use from now on: exactly the bytes that the plugins have seen.
 * @throws {TsdError} permission_denied if a plugin refuses the request, or the body is too large to pass
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

/** Returns the context of the route's second step, as if it were a separate request. */
function contextAtOnce(requested: RequestForAuthorization, route: string): HookContexts["api.request"] {
  const { params, body: _, ...context } = contextOf(requested, new Uint8Array());
  const path = route.replace(/\{(\w+)\*?\}/g, (_, name) => encodeURIComponent(params[name] ?? ""));
  return { ...context, params, route, path, query: {}, bodyEncoding: "none" };
}

function shown(route: string, bytes: Uint8Array): Pick<HookContexts["api.request"], "body" | "bodyEncoding"> {
  if (bytes.length === 0) return { bodyEncoding: "none" };
  if (SECRET_ROUTES.has(route)) return { bodyEncoding: "secret" };
  // Control characters take six bytes in JSON, so the largest bodies might exceed the limit.
  const mayBeTooLong = bytes.length > ALWAYS_SHORT_BYTES;
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    if (!mayBeTooLong || JSON.stringify(text).length < MAX_TEXT_LENGTH) return { body: text, bodyEncoding: "text" };
    return { body: new Uint8Array(bytes).toBase64(), bodyEncoding: "base64" };
  } catch (thrown) {
    if (!(thrown instanceof TypeError)) throw thrown;
    return { body: new Uint8Array(bytes).toBase64(), bodyEncoding: "base64" };
  }
}
/** Returns a function to be called with the response's status; it notifies the plugins once. */
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

/** Returns the status of a successful reply that is not an upgrade. */
export const statusOf = (reply: Reply): number =>
  reply.kind === "stream" || reply.kind === "hijack" ? 200 : reply.status;
