/**
 * @module
 * Writes replies to node:http's responses and sockets, and maps errors to responses in one place.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { toTsdError, type TsdError } from "../../errors.ts";
import type { Log } from "../../log.ts";
import { endAnswer } from "./body.ts";
import { errorBody } from "./error_body.ts";
import type { HangUpWatch } from "./hang_up.ts";
import type { RequestHead } from "./request_handler.ts";
import { detachFromHttp, type HijackOptions, hijackSocket, writeRawError } from "./hijack.ts";
import type { HeaderMap, Reply } from "./reply.ts";
import { sendAll } from "./sending.ts";
import type { InFlight } from "./in_flight.ts";
import { MAX_API_VERSION } from "./version.ts";

export interface ResponseWriterOptions {
  /** The engine's version, for the `Server` header. */
  readonly serverVersion: string;
  readonly log: Log;
  /** Detects disconnects of raw streams' clients; without it they are noticed at the next write only. */
  readonly watchHangUp?: HangUpWatch | undefined;
  /** Aborted when the engine is about to shut down. */
  readonly leaving: AbortSignal;
  readonly inFlight: InFlight;
}

/** State of a request that was upgraded. */
export interface Upgraded {
  /** Input received already. */
  readonly input: Uint8Array;
  readonly disconnected: AbortSignal;
  /** Headers of the response, besides the common ones. */
  readonly headers: HeaderMap;
}

type HijackReply = Extract<Reply, { kind: "hijack" }>;

/** Writes replies and errors to responses and sockets. */
export class ResponseWriter {
  readonly #options: ResponseWriterOptions;

  constructor(options: ResponseWriterOptions) {
    this.#options = options;
  }

  /** Performs a reply. Resolves when all of it was written, or the client has disconnected. */
  async perform(
    reply: Reply,
    request: IncomingMessage,
    response: ServerResponse,
    disconnected: AbortSignal,
  ): Promise<void> {
    const { inFlight } = this.#options;
    switch (reply.kind) {
      case "empty":
        response.writeHead(reply.status, { ...this.#headers(), ...reply.headers });
        endAnswer(request, response);
        return;
      case "json":
      case "text": {
        const text = reply.kind === "json" ? JSON.stringify(reply.body) + "\n" : reply.body;
        const bytes = new TextEncoder().encode(text);
        const type = reply.kind === "json" ? "application/json" : "text/plain; charset=utf-8";
        response.writeHead(reply.status, {
          ...this.#headers(),
          "Content-Type": type,
          "Content-Length": String(bytes.length),
          ...reply.headers,
        });
        endAnswer(request, response, request.method === "HEAD" ? undefined : bytes);
        return;
      }
      case "stream":
        response.writeHead(200, { ...this.#headers(), "Content-Type": reply.contentType, ...reply.headers });
        response.flushHeaders();
        if (reply.endless) await inFlight.lasting(() => sendAll(reply.body, response, disconnected));
        else await sendAll(reply.body, response, disconnected);
        return;
      case "hijack": {
        // Older clients hijack without requesting an upgrade: status 200 and raw bytes until the connection closes.
        const { socket } = request;
        detachFromHttp(socket);
        // node:http would have sent it in its own head.
        const timing = response.getHeader("Server-Timing");
        const headers: Record<string, string> = timing === undefined ? {} : { "Server-Timing": String(timing) };
        const options = { upgraded: false, ...this.#hijackOptions(disconnected, headers) };
        await inFlight.raw(() => hijackSocket(socket, new Uint8Array(), reply, options));
      }
    }
  }

  /** Performs a raw stream for a client that requested an upgrade. */
  async upgrade(reply: HijackReply, socket: Socket, { input, disconnected, headers }: Upgraded): Promise<void> {
    const options = { upgraded: true, ...this.#hijackOptions(disconnected, headers) };
    await this.#options.inFlight.raw(() => hijackSocket(socket, input, reply, options));
  }

  /** Writes an error as the response. */
  fail(thrown: unknown, request: IncomingMessage, response: ServerResponse): void {
    const error = toTsdError(thrown);
    this.report(error, request);
    if (response.headersSent) {
      response.destroy();
      return;
    }
    const { http: status } = error.meaning;
    // 304 has no body (RFC 9110 §15.4.5).
    const text = status === 304 ? "" : errorBody(error);
    const body = new TextEncoder().encode(text);
    response.writeHead(status, {
      ...this.#headers(),
      "Content-Type": "application/json",
      "Content-Length": String(body.length),
      "Tsd-Error-Code": error.code,
    });
    endAnswer(request, response, request.method === "HEAD" ? undefined : body);
  }

  /** Writes an error as the response to a request for an upgrade. */
  failUpgrade(thrown: unknown, request: IncomingMessage, socket: Socket): void {
    const error = toTsdError(thrown);
    this.report(error, request);
    writeRawError(socket, error, this.#headers());
  }

  #headers(): Record<string, string> {
    return {
      "Api-Version": MAX_API_VERSION,
      "Docker-Experimental": "false",
      "Ostype": "linux",
      "Server": `Docker/${this.#options.serverVersion} (linux)`,
    };
  }

  #hijackOptions(disconnected: AbortSignal, more: HeaderMap = {}): Omit<HijackOptions, "upgraded"> {
    const { leaving, watchHangUp } = this.#options;
    return { headers: { ...this.#headers(), ...more }, disconnected, leaving, watchHangUp };
  }

  /** Logs the error of a request. */
  report(error: TsdError, request: RequestHead): void {
    const fields = { method: request.method, path: request.url?.split("?")[0], code: error.code, error: error.message };
    if (error.code === "internal") {
      this.#options.log.error("request failed", { ...fields, stack: (error.cause as Error)?.stack });
    } else this.#options.log.debug("request refused", fields);
  }
}
