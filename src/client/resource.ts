import { discard, type EngineResponse, type EngineTransport, type QueryParams, readJson } from "./transport.ts";

/** What every call accepts. */
export interface CallOptions {
  /** Aborts the call: its connection is closed, and the promise rejects with the code `cancelled` or `timeout`. */
  readonly signal?: AbortSignal | undefined;
}

/** What a request carries besides its method and path. */
export interface RequestContent extends CallOptions {
  readonly query?: QueryParams;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Sent as a chunked body, instead of `body`. */
  readonly upload?: AsyncIterable<Uint8Array>;
  readonly headers?: Readonly<Record<string, string>>;
  /** The longest wait for the response's head, in ms. */
  readonly timeoutMs?: number;
}

type Method = "GET" | "POST" | "PUT" | "DELETE";

/** A resource of the Engine API: the requests below one path. */
export class Resource {
  readonly transport: EngineTransport;
  readonly #path: string;

  /** @param path without version prefix, its names escaped (see `escapeName`): `/containers/web` */
  constructor(transport: EngineTransport, path: string) {
    this.transport = transport;
    this.#path = path;
  }

  /** Returns the path of an action: `/containers/web/start` of `/start`. */
  path(action: string): string {
    return `${this.#path}${action}`;
  }

  /** Sends a request. The caller reads or cancels the response's body. @throws {TsdError} with the engine's code */
  request(method: Method, action: string, content: RequestContent = {}): Promise<EngineResponse> {
    const { signal, ...rest } = content;
    const request = { method, path: this.path(action), ...rest };
    return this.transport.request(signal === undefined ? request : { ...request, signal });
  }

  /** Sends a request and returns the JSON of its response. @throws {TsdError} with the engine's code */
  async json<T>(method: Method, action: string, content?: RequestContent): Promise<T> {
    return await readJson(await this.request(method, action, content));
  }

  /** Sends a request whose response has no content. @throws {TsdError} with the engine's code */
  async send(method: Method, action: string, content?: RequestContent): Promise<void> {
    await discard(await this.request(method, action, content));
  }
}
