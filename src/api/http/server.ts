/**
 * @module
 * The HTTP server: the only adapter between `node:http` and the routes ({@link RequestHandler}). (`Deno.serve` provides
 * no raw connection after an upgrade, which attach and exec need.)
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createNetServer, type Server as NetServer, type Socket } from "node:net";
import { toTsdError, TsdError } from "../../errors.ts";
import { type Epoll, OwnedFd, pipes } from "../../sys/mod.ts";
import { AcceptWatch } from "./accept_watch.ts";
import { ResponseWriter, type ResponseWriterOptions } from "./response_writer.ts";
import { InProcessApi } from "./in_process_api.ts";
import { bodyAsItComes, bodyOfUpgrade, readBody } from "./body.ts";
import { RequestHandler, type RequestHandlerOptions } from "./request_handler.ts";
import { InFlight } from "./in_flight.ts";

export type ApiServerOptions = Omit<ResponseWriterOptions, "leaving" | "inFlight"> & RequestHandlerOptions & {
  /**
   * Used to resume accepting connections after the process had too many open files; without it accepting stops for
   * good.
   */
  readonly epoll?: Pick<Epoll, "add" | "modify" | "remove">;
};

/** How long a new connection may take to send its request, in ms, when the engine drains. */
const FIRST_REQUEST_MS = 100;
/** How long to wait for destroyed connections to close, in ms. */
const CUT_MS = 500;
/** Polling interval while draining, in ms. */
const DRAIN_POLL_MS = 2;

/** Serves routes over HTTP, and directly to clients in the process. Has no knowledge of containers. */
export class ApiServer {
  readonly #handler: RequestHandler;
  readonly #server: Server;
  readonly #options: ApiServerOptions;
  readonly #sockets = new Set<Socket>();
  /** Connections that have not sent a request yet. */
  readonly #withoutRequest = new Set<Socket>();
  readonly #inFlight = new InFlight();
  readonly #leaving = new AbortController();
  readonly #cut = new AbortController();
  /** The same API without a connection, for clients in this process. */
  readonly direct: InProcessApi;
  readonly #writer: ResponseWriter;
  /** Accepts connections in place of `#server` after that has stopped. */
  #replacement: NetServer | undefined;
  #watch: AcceptWatch | undefined;
  #accepted = 0;
  /** Value of `#accepted` when the last stall was reported. */
  #reportedAt: number | undefined;

  constructor(options: ApiServerOptions) {
    this.#options = options;
    this.#handler = new RequestHandler(options);
    this.#writer = new ResponseWriter({ ...options, leaving: this.#leaving.signal, inFlight: this.#inFlight });
    this.direct = new InProcessApi({
      handling: this.#handler,
      inFlight: this.#inFlight,
      leaving: this.#leaving.signal,
      cut: this.#cut.signal,
      report: (error, head) => this.#writer.report(error, head),
    });
    // Requests may last for hours (attach, logs -f, wait), so there is no timeout.
    this.#server = createServer({ requestTimeout: 0, keepAliveTimeout: 60_000 });
    this.#server.on("request", (request, response) => void this.#serve(request, response));
    this.#server.on("upgrade", (request, socket, head) => void this.#upgrade(request, socket as Socket, head));
    this.#server.on("connection", (socket: Socket) => {
      this.#accepted++;
      this.#sockets.add(socket);
      this.#withoutRequest.add(socket);
      socket.on("close", () => {
        this.#sockets.delete(socket);
        this.#withoutRequest.delete(socket);
      });
      // A disconnect needs no handling here: writers notice it by the abort signal.
      socket.on("error", () => socket.destroy());
    });
  }

  /** Number of requests in flight. */
  get activeRequests(): number {
    return this.#inFlight.requests;
  }

  /**
   * Accepts connections on a listening descriptor, which the server owns from then on.
   * @throws {TsdError} storage
   */
  async listen(fd: number): Promise<void> {
    const { epoll } = this.#options;
    using undo = new DisposableStack();
    const listener = undo.use(new OwnedFd(pipes.duplicate(fd)));
    await listening(this.#server, fd);
    if (epoll === undefined) return;
    undo.move();
    const onStalled = () => void this.#listenAnew(listener);
    this.#watch = new AcceptWatch(listener, { epoll, accepted: () => this.#accepted, onStalled });
  }

  /** Stops accepting and waits for all requests that are not endless, for at most `graceMs`. */
  async drain(graceMs: number): Promise<void> {
    const started = Date.now();
    // New connections are about to send a request.
    const isDone = () =>
      this.#inFlight.requests <= this.#inFlight.endless &&
      (this.#withoutRequest.size === 0 || Date.now() >= started + FIRST_REQUEST_MS);
    this.#stopAccepting();
    await until(() => isDone() || Date.now() >= started + graceMs);
  }

  /** Ends raw streams; input received until then is still delivered. To be called after `drain`. */
  async leave(limitMs: number): Promise<void> {
    this.#leaving.abort();
    const deadline = Date.now() + limitMs;
    await until(() => this.#inFlight.hijacked === 0 || Date.now() >= deadline);
  }

  /** Stops accepting, waits for requests for `graceMs`, then closes the remaining connections. */
  async close(graceMs = 0): Promise<void> {
    this.#stopAccepting();
    this.#server.closeIdleConnections();
    const deadline = Date.now() + graceMs;
    await until(() => (this.#sockets.size === 0 && this.direct.active === 0) || Date.now() >= deadline);
    for (const socket of this.#sockets) socket.destroy();
    await until(() => this.#sockets.size === 0 || Date.now() >= deadline + CUT_MS);
    this.#cut.abort();
  }

  #stopAccepting(): void {
    this.#watch?.[Symbol.dispose]();
    this.#replacement?.close();
    this.#server.close();
  }

  /** Listens with another server, after the previous one has stopped accepting. */
  async #listenAnew(listener: OwnedFd): Promise<void> {
    const { log } = this.#options;
    if (this.#reportedAt !== this.#accepted) log.warn("no connections are accepted, as too many files are open");
    this.#reportedAt = this.#accepted;
    this.#replacement?.close();
    // Half-open connections, as in node:http.
    this.#replacement = createNetServer({ allowHalfOpen: true }, (socket) => this.#server.emit("connection", socket));
    try {
      await listening(this.#replacement, pipes.duplicate(listener.fd));
    } catch (thrown) {
      // The watch will report it again.
      log.debug("cannot listen anew yet", { error: toTsdError(thrown).message });
    }
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const disconnected = new AbortController();
    this.#withoutRequest.delete(request.socket as Socket);
    response.on("close", () => disconnected.abort());
    using _counted = this.#inFlight.begin();
    try {
      const reply = await this.#handler.reply(request, () => ({
        body: { whole: () => readBody(request), upload: () => bodyAsItComes(request) },
        disconnected: disconnected.signal,
        timing: (header) => response.setHeader("Server-Timing", header),
      }));
      await this.#writer.perform(reply, request, response, disconnected.signal);
    } catch (thrown) {
      this.#writer.fail(thrown, request, response);
    }
  }

  async #upgrade(request: IncomingMessage, socket: Socket, head: Uint8Array): Promise<void> {
    const disconnected = new AbortController();
    this.#withoutRequest.delete(socket);
    socket.on("close", () => disconnected.abort());
    using _counted = this.#inFlight.begin();
    try {
      const headers: Record<string, string> = {};
      let rest: Promise<Uint8Array> | undefined;
      const reply = await this.#handler.reply(request, () => {
        const taken = bodyOfUpgrade(request, socket, head);
        ({ rest } = taken);
        return {
          body: { whole: () => taken.body, upload: refuseUpload },
          disconnected: disconnected.signal,
          timing: (header) => headers["Server-Timing"] = header,
          upgrade: rest,
        };
      });
      if (reply.kind !== "hijack" || rest === undefined) throw new Error("An upgrade that is none");
      await this.#writer.upgrade(reply, socket, { input: await rest, disconnected: disconnected.signal, headers });
    } catch (thrown) {
      this.#writer.failUpgrade(thrown, request, socket);
    }
  }
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, DRAIN_POLL_MS));
}

/**
 * Accepts connections on a descriptor, which the server owns from then on.
 * @throws {TsdError} storage
 */
function listening(server: NetServer, fd: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once(
      "error",
      (cause) => reject(new TsdError("storage", `Cannot listen on a socket: ${cause.message}`, { cause })),
    );
    server.listen({ fd }, () => resolve());
  });
}

const refuseUpload = (): never => {
  throw new TsdError("invalid_argument", "Cannot upgrade a request that uploads something");
};
