/**
 * @module
 * Handles a request from any transport: finds its route, lets plugins authorize it, calls the handler, and notifies
 * plugins of the response.
 */
import { toTsdError, TsdError } from "../../errors.ts";
import { parseJson } from "./body.ts";
import {
  type AuthorizationHooks,
  authorizeRequest,
  authorizeResponse,
  type RequestBody,
  statusOf,
} from "./authorization.ts";
import { Query } from "./query.ts";
import type { Reply } from "./reply.ts";
import { type ApiRequest, type Match, type Route, Router } from "./route.ts";
import { serverTimed } from "./server_timing.ts";
import { type ApiVersion, atLeast, splitVersion } from "./version.ts";

export interface RequestHandlerOptions {
  readonly routes: readonly Route[];
  /** Called when a request begins, with its user agent. */
  readonly onRequest?: (userAgent: string) => void;
  /** Authorizes requests, and is notified of responses. */
  readonly hooks?: AuthorizationHooks;
}

/** The head of a request, with lower-case header names. An `IncomingMessage` of node:http is one. */
export interface RequestHead {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** The rest of a request, and callbacks for its response. */
export interface RequestRemainder {
  readonly body: RequestBody;
  /** Aborted when the client disconnects. */
  readonly disconnected: AbortSignal;
  /** Called with the `Server-Timing` header of the response, if the client requested it. */
  readonly timing: (header: string) => void;
  /** Set if the client requests an upgrade, which only raw streams support. Awaited before the response. */
  readonly upgrade?: Promise<unknown>;
}

/** "Switching protocols" (RFC 9110 §15.2.2). */
const UPGRADED = 101;

/** A request's route and the parts of its URL. */
interface Found {
  readonly match: Match;
  readonly url: URL;
  readonly version: ApiVersion;
  /** Path without the version prefix. */
  readonly path: string;
}

/** Routes requests to their handlers. */
export class RequestHandler {
  readonly #router: Router;
  readonly #options: RequestHandlerOptions;

  constructor(options: RequestHandlerOptions) {
    this.#options = options;
    this.#router = new Router(options.routes);
  }

  /**
   * Handles a request.
   * @throws {TsdError} page_not_found, permission_denied, invalid_argument, or what the handler throws
   */
  async reply(head: RequestHead, rest: () => RequestRemainder): Promise<Reply> {
    const answered = authorizeResponse(this.#options.hooks, head.method);
    let match: Match | undefined;
    try {
      const found = this.#route(head);
      ({ match } = found);
      const { body, disconnected, timing, upgrade } = rest();
      const requested = await authorizeRequest(this.#options.hooks, {
        ...{ request: head, match, path: found.path, query: found.url.searchParams, body },
      });
      const handle = () => found.match.route.handler(requestOf(head, found, requested, disconnected));
      const reply = await serverTimed(head, handle, timing);
      if (upgrade !== undefined) {
        if (reply.kind !== "hijack") {
          throw new TsdError("invalid_argument", `Cannot upgrade ${head.method} ${head.url}: it has no raw stream`);
        }
        await upgrade;
      }
      answered(match, upgrade === undefined ? statusOf(reply) : UPGRADED);
      return reply;
    } catch (thrown) {
      answered(match, toTsdError(thrown).meaning.http);
      throw thrown;
    }
  }

  #route({ method, url: target, headers }: RequestHead): Found {
    this.#options.onRequest?.(String(headers["user-agent"] ?? ""));
    // Only browsers send an Origin, and web pages must not use the API.
    if (headers.origin !== undefined) {
      throw new TsdError("permission_denied", "Refused: requests from web pages are not allowed");
    }
    const url = new URL(target ?? "/", "http://engine");
    const { version, path } = splitVersion(url.pathname);
    const match = this.#router.find(method ?? "GET", path);
    if (match === undefined || !atLeast(version, match.route.since)) {
      throw new TsdError("page_not_found", "page not found");
    }
    return { match, url, version, path };
  }
}

function requestOf(
  { headers }: RequestHead,
  { match, url, version }: Found,
  body: RequestBody,
  signal: AbortSignal,
): ApiRequest {
  const header = (name: string) => {
    const value = headers[name];
    return Array.isArray(value) ? value[0] : value;
  };
  return {
    params: match.params,
    query: new Query(url.searchParams),
    version,
    header,
    json: async () => parseJson(await body.whole(), header("content-type")),
    upload: () => body.upload(),
    signal,
  };
}
