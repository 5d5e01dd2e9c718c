/**
 * @module
 * The API for clients in the same process: the same handlers without a connection and HTTP.
 */
import { toTsdError, type TsdError } from "../../errors.ts";
import type { RequestHandler, RequestHead } from "./request_handler.ts";
import type { Reply } from "./reply.ts";
import { RawPipe } from "./raw_pipe.ts";
import type { InFlight } from "./in_flight.ts";

export interface InProcessApiOptions {
  readonly handling: RequestHandler;
  readonly inFlight: InFlight;
  /** Aborted when the engine is about to shut down. */
  readonly leaving: AbortSignal;
  /** Aborted when the engine stops waiting for requests in flight. */
  readonly cut: AbortSignal;
  /** Called with the errors of requests. */
  readonly report: (error: TsdError, head: RequestHead) => void;
}

/** A request with its whole body. */
export interface InProcessRequest extends RequestHead {
  readonly body: Uint8Array;
  /** Aborted when the client disconnects. */
  readonly signal?: AbortSignal | undefined;
}

/** A response. It must be read to its end or abandoned by `giveUp`. */
export interface InProcessResponse {
  readonly status: number;
  /** Names are in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: AsyncIterable<Uint8Array>;
  /** Present if the response is a raw stream, whose output is the body. */
  readonly raw?: RawPipe;
  giveUp(): void;
}

const ENCODER = new TextEncoder();
const NOTHING = new Uint8Array();

/** Calls the API's handlers from within the process. */
export class InProcessApi {
  readonly #options: InProcessApiOptions;
  #active = 0;

  constructor(options: InProcessApiOptions) {
    this.#options = options;
  }

  /** Number of exchanges that have not ended. */
  get active(): number {
    return this.#active;
  }

  /**
   * Handles a request.
   * @throws {TsdError}
   */
  async answer({ body, signal, ...head }: InProcessRequest): Promise<InProcessResponse> {
    const exchange = this.#begin(head, signal);
    try {
      const timing = new Map<string, string>();
      const reply = await this.#options.handling.reply(head, () => ({
        body: {
          whole: () => Promise.resolve(body),
          async *upload() {
            if (body.length > 0) yield await Promise.resolve(body);
          },
        },
        disconnected: exchange.disconnected,
        timing: (header) => timing.set("server-timing", header),
      }));
      return this.#perform(reply, timing, exchange);
    } catch (thrown) {
      const error = exchange.failed(thrown);
      exchange.end();
      throw error;
    }
  }

  #begin(head: RequestHead, signal: AbortSignal | undefined): Exchange {
    const { inFlight, cut, report } = this.#options;
    const disconnected = new AbortController();
    const abort = () => disconnected.abort();
    for (const each of [signal, cut]) each?.addEventListener("abort", abort);
    if (signal?.aborted || cut.aborted) abort();
    const counted = inFlight.begin();
    this.#active++;
    let hasEnded = false;
    const end = () => {
      if (hasEnded) return;
      hasEnded = true;
      for (const each of [signal, cut]) each?.removeEventListener("abort", abort);
      // As at the end of a connection: listeners for a client's disconnect are released.
      abort();
      counted[Symbol.dispose]();
      this.#active--;
    };
    const failed = (thrown: unknown) => {
      const error = toTsdError(thrown);
      report(error, head);
      return error;
    };
    return { disconnected: disconnected.signal, abort, end, failed };
  }

  #perform(reply: Reply, timing: ReadonlyMap<string, string>, exchange: Exchange): InProcessResponse {
    const headers = new Map(timing);
    for (const [name, value] of Object.entries(reply.headers ?? {})) headers.set(name.toLowerCase(), value);
    if (reply.kind === "hijack") return this.#raw(reply, headers, exchange);
    if (reply.kind === "stream") {
      headers.set("content-type", reply.contentType);
      return { status: 200, headers, ...this.#streamed(reply, exchange) };
    }
    const text = reply.kind === "json" ? `${JSON.stringify(reply.body)}\n` : reply.kind === "text" ? reply.body : "";
    const bytes = text === "" ? NOTHING : ENCODER.encode(text);
    exchange.end();
    return { status: reply.status, headers, body: once(bytes), giveUp() {} };
  }

  #streamed(
    { body, endless }: Extract<Reply, { kind: "stream" }>,
    { disconnected, abort, end, failed }: Exchange,
  ): Pick<InProcessResponse, "body" | "giveUp"> {
    const finished = Promise.withResolvers<void>();
    if (endless) void this.#options.inFlight.lasting(() => finished.promise);
    const finish = () => {
      finished.resolve();
      end();
    };
    const chunks = (async function* () {
      try {
        for await (const chunk of body) {
          if (disconnected.aborted) break;
          yield chunk;
        }
        disconnected.throwIfAborted();
      } catch (thrown) {
        throw failed(thrown);
      } finally {
        finish();
      }
    })();
    return {
      body: chunks,
      giveUp() {
        abort();
        void chunks.return();
        finish();
      },
    };
  }

  #raw(
    reply: Extract<Reply, { kind: "hijack" }>,
    headers: Map<string, string>,
    { disconnected, abort, end, failed }: Exchange,
  ): InProcessResponse {
    const { inFlight, leaving } = this.#options;
    headers.set("content-type", reply.contentType);
    const raw = new RawPipe(disconnected);
    const run = () => reply.run({ ...raw.engineSide, disconnected, leaving });
    const finish = (failure?: { readonly thrown: unknown }) => {
      raw.end(failure);
      end();
    };
    inFlight.raw(run).then(() => finish(), (thrown) => finish({ thrown: failed(thrown) }));
    return { status: 200, headers, body: raw, raw, giveUp: abort };
  }
}

/** A request and its response. */
interface Exchange {
  /** Aborted when the client disconnects, and at the end of the exchange. */
  readonly disconnected: AbortSignal;
  abort(): void;
  end(): void;
  /** Reports an error and returns it. */
  failed(thrown: unknown): TsdError;
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  if (bytes.length > 0) yield await Promise.resolve(bytes);
}
