import type { InProcessApi, InProcessResponse } from "../api/http/in_process_api.ts";
import { errorBody } from "../api/http/error_body.ts";
import { connectionLost } from "../client/byte_reader.ts";
import { API_VERSION, MULTIPLEXED } from "../client/http_transport.ts";
import { engineError } from "../client/engine_error.ts";
import {
  type ByteSource,
  encodeQuery,
  type EngineRequest,
  type EngineResponse,
  type EngineTransport,
  type RawStream,
} from "../client/transport.ts";
import { toTsdError, type TsdError } from "../errors.ts";

export interface InProcessTransportOptions {
  readonly api: InProcessApi;
  /** Aborted when the client exits. */
  readonly disconnected: AbortSignal;
  /** Called before each request; it may throw. */
  readonly admit: () => void;
}

const ENCODER = new TextEncoder();

/**
 * Sends requests of served commands to the engine in the same process. There are no timeouts, as both sides are this
 * process.
 */
export class InProcessTransport implements EngineTransport {
  readonly #options: InProcessTransportOptions;

  constructor(options: InProcessTransportOptions) {
    this.#options = options;
  }

  async request(request: EngineRequest): Promise<EngineResponse> {
    const answer = await this.#answer(request);
    return { status: answer.status, headers: answer.headers, body: this.#body(answer, request.signal) };
  }

  async hijack(request: EngineRequest): Promise<RawStream> {
    const answer = await this.#answer(request);
    const { raw, headers } = answer;
    if (raw === undefined && !request.mayAnswer) throw new Error(`${request.path} has no raw stream`);
    return {
      headers,
      multiplexed: headers.get("content-type") === MULTIPLEXED,
      output: this.#body(answer, request.signal),
      write: (bytes) => Promise.resolve(raw?.send(bytes) ?? false),
      closeWrite: () => Promise.resolve(raw?.closeInput()),
      [Symbol.dispose]: () => answer.giveUp(),
    };
  }

  async #answer(request: EngineRequest): Promise<InProcessResponse> {
    const { method, path, query, body, headers = {}, signal, onConnected } = request;
    if (request.upload !== undefined) throw new Error("Uploads need a connection");
    signal?.throwIfAborted();
    this.#options.admit();
    onConnected?.();
    const { disconnected } = this.#options;
    const content = body === undefined ? new Uint8Array() : ENCODER.encode(JSON.stringify(body));
    const lowered = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]);
    try {
      return await this.#options.api.answer({
        method,
        url: `/v${API_VERSION}${path}${encodeQuery(query)}`,
        headers: {
          host: "tsd",
          "user-agent": "tsd",
          ...(body === undefined ? {} : { "content-type": "application/json" }),
          ...Object.fromEntries(lowered),
        },
        body: content,
        signal: signal === undefined ? disconnected : AbortSignal.any([signal, disconnected]),
      });
    } catch (thrown) {
      if (signal?.aborted) throw toTsdError(signal.reason);
      return answerOf(toTsdError(thrown));
    }
  }

  #body(answer: InProcessResponse, signal?: AbortSignal): ByteSource {
    return {
      async *[Symbol.asyncIterator]() {
        try {
          yield* answer.body;
        } catch {
          // The engine has logged the error; the client sees a response without an end.
          throw signal?.aborted ? toTsdError(signal.reason) : connectionLost();
        } finally {
          answer.giveUp();
        }
      },
      cancel() {
        answer.giveUp();
        return Promise.resolve();
      },
    };
  }
}

/**
 * Converts an error to a response: a status below 400 is not an error (304: nothing to do).
 * @throws {TsdError}
 */
function answerOf(error: TsdError): InProcessResponse {
  const { http: status } = error.meaning;
  const headers = new Map([["tsd-error-code", error.code]]);
  if (status >= 400) throw engineError({ status, headers }, errorBody(error));
  return { status, headers, body: { async *[Symbol.asyncIterator]() {} }, giveUp() {} };
}
