/**
 * @module
 * The one adapter between `node:http` and the routes: it takes requests to their handlers ({@link RequestHandler}). (`Deno.serve` gives no raw
 * connection after an upgrade, which attach and exec need.)
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
  /** Sees that connections go on being accepted after too many files were open; without it they don't. */
  readonly epoll?: Pick<Epoll, "add" | "modify" | "remove">;
};

/** How long a connection that has just been made may take for its request, in ms, when the engine leaves. */
const FIRST_REQUEST_MS = 100;
/** How long connections that are cut may take to be gone, in ms. */
const CUT_MS = 500;
/** How often an end is looked for, in ms. */
const DRAIN_POLL_MS = 2;

/** Serves routes; knows no containers. */
export class ApiServer {
  readonly #handling: RequestHandler;
  readonly #server: Server;
  readonly #options: ApiServerOptions;
  readonly #sockets = new Set<Socket>();
  /** Connections without a request so far. */
  readonly #silent = new Set<Socket>();
  readonly #inFlight = new InFlight();
  readonly #leaving = new AbortController();
  readonly #cut = new AbortController();
  /** The same without a connection, for callers in this process. */
  readonly direct: InProcessApi;
  readonly #answering: ResponseWriter;
  /** Accepts in the place of the one that has stopped. */
  #fake: NetServer | undefined;
  #watch: AcceptWatch | undefined;
  #accepted = 0;
  /** How many were accepted when that was told to have stopped. */
  #stoppedAt: number | undefined;

  constructor(options: ApiServerOptions) {
    this.#options = options;
    this.#handling = new RequestHandler(options);
    this.#answering = new ResponseWriter({ ...options, leaving: this.#leaving.signal, inFlight: this.#inFlight });
    this.direct = new InProcessApi({
      handling: this.#handling,
      inFlight: this.#inFlight,
      leaving: this.#leaving.signal,
      cut: this.#cut.signal,
      report: (error, head) => this.#answering.report(error, head),
    });
    // Bodies and streams may last for hours (attach, logs -f, wait): no time limit on them.
    this.#server = createServer({ requestTimeout: 0, keepAliveTimeout: 60_000 });
    this.#server.on("request", (request, response) => void this.#serve(request, response));
    this.#server.on("upgrade", (request, socket, head) => void this.#upgrade(request, socket as Socket, head));
    this.#server.on("connection", (socket: Socket) => {
      this.#accepted++;
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
    return this.#inFlight.requests;
  }

  /** Accepts connections of a socket that listens, which it owns from now on. @throws {TsdError} storage */
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

  /** Accepts nothing more and waits for the end of all requests that have one, `graceMs` at most. */
  async drain(graceMs: number): Promise<void> {
    const started = Date.now();
    // Whoever has just been let in is about to ask.
    const isDone = () =>
      this.#inFlight.requests <= this.#inFlight.endless &&
      (this.#silent.size === 0 || Date.now() >= started + FIRST_REQUEST_MS);
    this.#stopAccepting();
    await until(() => isDone() || Date.now() >= started + graceMs);
  }

  /** Ends raw streams: what clients have sent until then still arrives. After `drain`. */
  async leave(limitMs: number): Promise<void> {
    this.#leaving.abort();
    const deadline = Date.now() + limitMs;
    await until(() => this.#inFlight.hijacked === 0 || Date.now() >= deadline);
  }

  /** Accepts nothing more, lets short requests end for `graceMs`, then cuts the rest. */
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
    this.#fake?.close();
    this.#server.close();
  }

  /** Who accepted before has stopped. */
  async #listenAnew(listener: OwnedFd): Promise<void> {
    const { log } = this.#options;
    if (this.#stoppedAt !== this.#accepted) log.warn("no connections are accepted, as too many files are open");
    this.#stoppedAt = this.#accepted;
    this.#fake?.close();
    // Half-open as those of node:http.
    this.#fake = createNetServer({ allowHalfOpen: true }, (socket) => this.#server.emit("connection", socket));
    try {
      await listening(this.#fake, pipes.duplicate(listener.fd));
    } catch (thrown) {
      // The watch tells again.
      log.debug("cannot listen anew yet", { error: toTsdError(thrown).message });
    }
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const disconnected = new AbortController();
    this.#silent.delete(request.socket as Socket);
    response.on("close", () => disconnected.abort());
    using _counted = this.#inFlight.begin();
    try {
      const reply = await this.#handling.reply(request, () => ({
        body: { whole: () => readBody(request), upload: () => bodyAsItComes(request) },
        disconnected: disconnected.signal,
        timing: (header) => response.setHeader("Server-Timing", header),
      }));
      await this.#answering.perform(reply, request, response, disconnected.signal);
    } catch (thrown) {
      this.#answering.fail(thrown, request, response);
    }
  }

  async #upgrade(request: IncomingMessage, socket: Socket, head: Uint8Array): Promise<void> {
    const disconnected = new AbortController();
    this.#silent.delete(socket);
    socket.on("close", () => disconnected.abort());
    using _counted = this.#inFlight.begin();
    try {
      const headers: Record<string, string> = {};
      let rest: Promise<Uint8Array> | undefined;
      const reply = await this.#handling.reply(request, () => {
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
      await this.#answering.upgrade(reply, socket, { input: await rest, disconnected: disconnected.signal, headers });
    } catch (thrown) {
      this.#answering.failUpgrade(thrown, request, socket);
    }
  }
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, DRAIN_POLL_MS));
}

/** Begins to accept connections of a descriptor, which is the server's from then on. @throws {TsdError} storage */
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
