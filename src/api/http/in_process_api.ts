/**
 * @module
 * The API for callers in this very process: the same handlers, without a connection and HTTP in between.
 */
import { toTsdError, type TsdError } from "../../errors.ts";
import type { Handling, RequestHead } from "./request_handler.ts";
import type { Reply } from "./reply.ts";
import { RawPipe } from "./raw_pipe.ts";
import type { UnderWay } from "./in_flight.ts";

export interface DirectApiOptions {
  readonly handling: Handling;
  readonly underWay: UnderWay;
  /** Aborted when the engine is about to leave. */
  readonly leaving: AbortSignal;
  /** Aborted when it waits no longer for what is under way. */
  readonly cut: AbortSignal;
  /** Told of what goes wrong. */
  readonly report: (error: TsdError, head: RequestHead) => void;
}

/** A request; its body is whole. */
export interface DirectRequest extends RequestHead {
  readonly body: Uint8Array;
  /** The caller has gone. */
  readonly signal?: AbortSignal | undefined;
}

/** Its answer, which has to be read to its end or given up. */
export interface DirectAnswer {
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
export class DirectApi {
  readonly #options: DirectApiOptions;
  #active = 0;

  constructor(options: DirectApiOptions) {
    this.#options = options;
  }

  /** Exchanges that have not ended. */
  get active(): number {
    return this.#active;
  }

  /** @throws {TsdError} */
  async answer({ body, signal, ...head }: DirectRequest): Promise<DirectAnswer> {
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
        gone: exchange.gone,
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
    const { underWay, cut, report } = this.#options;
    const gone = new AbortController();
    const abort = () => gone.abort();
    for (const each of [signal, cut]) each?.addEventListener("abort", abort);
    if (signal?.aborted || cut.aborted) abort();
    const counted = underWay.begin();
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
    return { gone: gone.signal, abort, end, failed };
  }

  #perform(reply: Reply, timing: ReadonlyMap<string, string>, exchange: Exchange): DirectAnswer {
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
    { gone, abort, end, failed }: Exchange,
  ): Pick<DirectAnswer, "body" | "giveUp"> {
    const over = Promise.withResolvers<void>();
    if (endless) void this.#options.underWay.lasting(() => over.promise);
    const finish = () => {
      over.resolve();
      end();
    };
    const chunks = (async function* () {
      try {
        for await (const chunk of body) {
          if (gone.aborted) break;
          yield chunk;
        }
        gone.throwIfAborted();
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
    { gone, abort, end, failed }: Exchange,
  ): DirectAnswer {
    const { underWay, leaving } = this.#options;
    headers.set("content-type", reply.contentType);
    const raw = new RawPipe(gone);
    const run = () => reply.run({ ...raw.engineSide, gone, leaving });
    const finish = (failure?: { readonly thrown: unknown }) => {
      raw.end(failure);
      end();
    };
    underWay.raw(run).then(() => finish(), (thrown) => finish({ thrown: failed(thrown) }));
    return { status: 200, headers, body: raw, raw, giveUp: abort };
  }
}

/** One request and its answer. */
interface Exchange {
  /** Aborted when nobody waits for it any more, and at its end. */
  readonly gone: AbortSignal;
  abort(): void;
  end(): void;
  /** Something went wrong, which is told. */
  failed(thrown: unknown): TsdError;
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  if (bytes.length > 0) yield await Promise.resolve(bytes);
}
