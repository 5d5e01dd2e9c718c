/**
 * @module
 * The one adapter between `node:http` and the routes: it takes requests to their handlers. (`Deno.serve` gives no raw
 * connection after an upgrade, which attach and exec need.)
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { toTsdError, TsdError } from "../../errors.ts";
import { Answering, type AnsweringOptions } from "./answering.ts";
import { bodyAsItComes, bodyOfUpgrade, parseJson, readBody } from "./body.ts";
import { askPlugins, type GateHooks, type RequestBody, statusOf, tellOfAnswer } from "./plugin_gate.ts";
import { Query } from "./query.ts";
import { type ApiRequest, type Match, Router } from "./route.ts";
import type { Route } from "./route.ts";
import { serverTimed } from "./server_timing.ts";
import { UnderWay } from "./under_way.ts";
import { type ApiVersion, atLeast, splitVersion } from "./version.ts";

export interface ApiServerOptions extends Omit<AnsweringOptions, "leaving" | "underWay"> {
  readonly routes: readonly Route[];
  /** Called once a request begins, with its user agent. */
  readonly onRequest?: (userAgent: string) => void;
  /** Asked about requests, and told of answers. */
  readonly hooks?: GateHooks;
}

/** "Switching protocols" (RFC 9110 §15.2.2). */
const UPGRADED = 101;
/** How long a connection that has just been made may take for its request, in ms, when the engine leaves. */
const FIRST_REQUEST_MS = 100;
/** How often the end of requests is looked for, in ms. */
const DRAIN_POLL_MS = 2;

/** A request's route, and how it came to that. */
interface Found {
  readonly match: Match;
  readonly url: URL;
  readonly version: ApiVersion;
  /** Without the version's prefix. */
  readonly path: string;
}

/** Serves routes; knows no containers. */
export class ApiServer {
  readonly #router: Router;
  readonly #options: ApiServerOptions;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** Connections without a request so far. */
  readonly #silent = new Set<Socket>();
  readonly #underWay = new UnderWay();
  readonly #leaving = new AbortController();
  readonly #answering: Answering;

  constructor(options: ApiServerOptions) {
    this.#options = options;
    this.#router = new Router(options.routes);
    this.#answering = new Answering({ ...options, leaving: this.#leaving.signal, underWay: this.#underWay });
    // Bodies and streams may last for hours (attach, logs -f, wait): no time limit on them.
    this.#server = createServer({ requestTimeout: 0, keepAliveTimeout: 60_000 });
    this.#server.on("request", (request, response) => void this.#serve(request, response));
    this.#server.on("upgrade", (request, socket, head) => void this.#upgrade(request, socket as Socket, head));
    this.#server.on("connection", (socket: Socket) => {
      this.#sockets.add(socket);
      this.#silent.add(socket);
      socket.on("close", () => {
        this.#sockets.delete(socket);
        this.#silent.delete(socket);
      });
      // A client that goes away is no event; whoever writes to it learns from the abort signal.
      socket.on("error", () => socket.destroy());
    });
  }

  /** Requests that are being answered. */
  get activeRequests(): number {
    return this.#underWay.requests;
  }

  /** Accepts connections of a socket that listens, which it owns from now on. @throws {TsdError} storage */
  listen(fd: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once(
        "error",
        (cause) => reject(new TsdError("storage", `Cannot listen on a socket: ${cause.message}`, { cause })),
      );
      this.#server.listen({ fd }, () => resolve());
    });
  }

  /** Accepts nothing more and waits for the end of all requests that have one, `graceMs` at most. */
  async drain(graceMs: number): Promise<void> {
    const begun = Date.now();
    // Whoever has just been let in is about to ask.
    const isDone = () =>
      this.#underWay.requests <= this.#underWay.endless &&
      (this.#silent.size === 0 || Date.now() >= begun + FIRST_REQUEST_MS);
    this.#server.close();
    while (!isDone() && Date.now() < begun + graceMs) {
      await new Promise((resolve) => setTimeout(resolve, DRAIN_POLL_MS));
    }
  }

  /** Ends raw streams: what clients have sent until then still arrives. After `drain`. */
  async leave(limitMs: number): Promise<void> {
    this.#leaving.abort();
    const deadline = Date.now() + limitMs;
    while (this.#underWay.hijacked > 0 && Date.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, DRAIN_POLL_MS));
    }
  }

  /** Accepts nothing more, lets short requests end for `graceMs`, then cuts the rest. */
  async close(graceMs = 0): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeIdleConnections();
    const timer = setTimeout(() => this.#sockets.forEach((socket) => socket.destroy()), graceMs);
    await closed;
    clearTimeout(timer);
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const gone = new AbortController();
    this.#silent.delete(request.socket as Socket);
    response.on("close", () => gone.abort());
    using _counted = this.#underWay.begin();
    const answered = tellOfAnswer(this.#options.hooks, request.method);
    let found: Found | undefined;
    try {
      const { match } = found = this.#route(request);
      const unasked = { whole: () => readBody(request), upload: () => bodyAsItComes(request) };
      const body = await this.#asked(request, found, unasked);
      const handle = () => match.route.handler(this.#request(request, found!, body, gone.signal));
      const reply = await serverTimed(request, handle, (timing) => response.setHeader("Server-Timing", timing));
      answered(found?.match, statusOf(reply));
      await this.#answering.perform(reply, request, response, gone.signal);
    } catch (thrown) {
      answered(found?.match, toTsdError(thrown).meaning.http);
      this.#answering.fail(thrown, request, response);
    }
  }

  async #upgrade(request: IncomingMessage, socket: Socket, head: Uint8Array): Promise<void> {
    const gone = new AbortController();
    this.#silent.delete(socket);
    socket.on("close", () => gone.abort());
    using _counted = this.#underWay.begin();
    const answered = tellOfAnswer(this.#options.hooks, request.method);
    let found: Found | undefined;
    try {
      found = this.#route(request);
      const { body, rest } = bodyOfUpgrade(request, socket, head);
      const bodies = await this.#asked(request, found, { whole: () => body, upload: refuseUpload });
      const timing: Record<string, string> = {};
      const handle = () => found!.match.route.handler(this.#request(request, found!, bodies, gone.signal));
      const reply = await serverTimed(request, handle, (metrics) => timing["Server-Timing"] = metrics);
      if (reply.kind !== "hijack") {
        throw new TsdError("invalid_argument", `Cannot upgrade ${request.method} ${request.url}: it has no raw stream`);
      }
      const input = await rest;
      answered(found.match, UPGRADED);
      await this.#answering.upgrade(reply, socket, { input, gone: gone.signal, headers: timing });
    } catch (thrown) {
      answered(found?.match, toTsdError(thrown).meaning.http);
      this.#answering.failUpgrade(thrown, request, socket);
    }
  }

  /** Plugins see a request before anything is done about it. */
  #asked(request: IncomingMessage, { match, path, url }: Found, body: RequestBody): Promise<RequestBody> {
    return askPlugins(this.#options.hooks, { request, match, path, query: url.searchParams, body });
  }

  #route(request: IncomingMessage): Found {
    this.#options.onRequest?.(request.headers["user-agent"] ?? "");
    // Only a browser sends an Origin, and no page has any business here.
    if (request.headers.origin !== undefined) {
      throw new TsdError("permission_denied", "Refused: requests from web pages are not allowed");
    }
    const url = new URL(request.url ?? "/", "http://engine");
    const { version, path } = splitVersion(url.pathname);
    const match = this.#router.find(request.method ?? "GET", path);
    if (match === undefined || !atLeast(version, match.route.since)) {
      throw new TsdError("page_not_found", "page not found");
    }
    return { match, url, version, path };
  }

  #request(
    request: IncomingMessage,
    { match, url, version }: Found,
    body: RequestBody,
    signal: AbortSignal,
  ): ApiRequest {
    return {
      params: match.params,
      query: new Query(url.searchParams),
      version,
      header: (name) => {
        const value = request.headers[name];
        return Array.isArray(value) ? value[0] : value;
      },
      json: async () => parseJson(await body.whole(), request.headers["content-type"]),
      upload: () => body.upload(),
      signal,
    };
  }
}

const refuseUpload = (): never => {
  throw new TsdError("invalid_argument", "Cannot upgrade a request that uploads something");
};
