/**
 * @module
 * The API for callers in this very process: the same handlers, without a connection and HTTP in between.
 */
import { toTsdError, type TsdError } from "../../errors.ts";
import type { RequestHandler, RequestHead } from "./request_handler.ts";
import type { Reply } from "./reply.ts";
import { RawPipe } from "./raw_pipe.ts";
import type { InFlight } from "./in_flight.ts";

export interface InProcessApiOptions {
  readonly handling: RequestHandler;
  readonly inFlight: InFlight;
  /** Aborted when the engine is about to leave. */
  readonly leaving: AbortSignal;
  /** Aborted when it waits no longer for what is under way. */
  readonly cut: AbortSignal;
  /** Told of what goes wrong. */
  readonly report: (error: TsdError, head: RequestHead) => void;
}

/** A request; its body is whole. */
export interface InProcessRequest extends RequestHead {
  readonly body: Uint8Array;
  /** The caller has gone. */
  readonly signal?: AbortSignal | undefined;
}

/** Its answer, which has to be read to its end or given up. */
export interface InProcessResponse {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: AsyncIterable<Uint8Array>;
  /** Of a raw stream, whose output the body is. */
  readonly raw?: RawPipe;
  giveUp(): void;
}

const ENCODER = new TextEncoder();
const NOTHING = new Uint8Array();

/** See the module's comment. */
export class InProcessApi {
  readonly #options: InProcessApiOptions;
  #active = 0;

  constructor(options: InProcessApiOptions) {
    this.#options = options;
  }

  /** Exchanges that have not ended. */
  get active(): number {
    return this.#active;
  }

  /** @throws {TsdError} */
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
    let isOver = false;
    const end = () => {
      if (isOver) return;
      isOver = true;
      for (const each of [signal, cut]) each?.removeEventListener("abort", abort);
      // As the end of a connection does: who still listens for a caller that goes away is done.
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
    const over = Promise.withResolvers<void>();
    if (endless) void this.#options.inFlight.lasting(() => over.promise);
    const finish = () => {
      over.resolve();
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

/** One request and its answer. */
interface Exchange {
  /** Aborted when nobody waits for it any more, and at its end. */
  readonly disconnected: AbortSignal;
  abort(): void;
  end(): void;
  /** Something went wrong, which is told. */
  failed(thrown: unknown): TsdError;
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  if (bytes.length > 0) yield await Promise.resolve(bytes);
}
