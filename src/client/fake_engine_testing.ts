import { concatenated } from "../io/mod.ts";
import type { Connection, Connector } from "./connection.ts";
import type { EngineRequest, EngineResponse, EngineTransport, RawStream } from "./transport.ts";

/** What a {@link FakeEngine} answers: a JSON body, or a finished response. */
export type FakeAnswer = { readonly json: unknown } | {
  readonly bytes: readonly Uint8Array[];
  readonly type?: string;
  /** More of them; names in lower case. */
  readonly headers?: Readonly<Record<string, string>>;
};

/** A raw stream with scripted output that records its input. */
export class FakeRawStream implements RawStream {
  readonly input: Uint8Array[] = [];
  inputClosed = false;
  disposed = false;
  readonly output: ReadableStream<Uint8Array>;

  constructor(
    readonly multiplexed: boolean,
    output: readonly Uint8Array[] | ReadableStream<Uint8Array>,
    readonly headers: ReadonlyMap<string, string> = new Map(),
  ) {
    this.output = output instanceof ReadableStream ? output : ReadableStream.from(output);
  }

  write(bytes: Uint8Array): Promise<boolean> {
    this.input.push(bytes.slice());
    return Promise.resolve(true);
  }

  closeWrite(): Promise<void> {
    this.inputClosed = true;
    return Promise.resolve();
  }

  [Symbol.dispose](): void {
    this.disposed = true;
  }
}

/** An engine for tests: records requests (`POST /containers/create?name=x`) and answers from handlers. */
export class FakeEngine implements EngineTransport {
  readonly requests: EngineRequest[] = [];
  /** What was uploaded, whole. */
  readonly uploads: Uint8Array[] = [];
  readonly #answer: (request: EngineRequest) => FakeAnswer | Promise<FakeAnswer>;
  readonly #raw: (request: EngineRequest) => RawStream;

  constructor(
    answer: (request: EngineRequest) => FakeAnswer | Promise<FakeAnswer>,
    raw: (request: EngineRequest) => RawStream = () => new FakeRawStream(true, []),
  ) {
    this.#answer = answer;
    this.#raw = raw;
  }

  /** `METHOD /path` of every request so far. */
  get calls(): string[] {
    return this.requests.map(({ method, path }) => `${method} ${path}`);
  }

  async request(request: EngineRequest): Promise<EngineResponse> {
    this.requests.push(request);
    if (request.upload !== undefined) this.uploads.push(concatenated(await Array.fromAsync(request.upload)));
    const answer = await this.#answer(request);
    const bytes = "json" in answer ? [new TextEncoder().encode(JSON.stringify(answer.json))] : answer.bytes;
    const type = "json" in answer ? "application/json" : answer.type ?? "application/json";
    const more = "json" in answer ? {} : answer.headers ?? {};
    const headers = new Map([["content-type", type], ...Object.entries(more)]);
    return { status: 200, headers, body: ReadableStream.from(bytes) };
  }

  /** Like an engine of Docker: what may be answered is answered. */
  async hijack(request: EngineRequest): Promise<RawStream> {
    if (request.mayAnswer) {
      const { headers, body } = await this.request(request);
      return new FakeRawStream(false, await Array.fromAsync(body), headers);
    }
    this.requests.push(request);
    return this.#raw(request);
  }
}

/** A connection that plays `answer` in the given pieces and records what is sent. */
export class ScriptedConnection implements Connection {
  readonly sent: Uint8Array[] = [];
  closed = 0;
  readonly #answer: Uint8Array[];

  constructor(answer: readonly Uint8Array[]) {
    this.#answer = answer.filter((piece) => piece.length > 0);
  }

  read(into: Uint8Array): Promise<number | null> {
    const piece = this.#answer.shift();
    if (piece === undefined) return Promise.resolve(null);
    const part = piece.subarray(0, into.length);
    if (part.length < piece.length) this.#answer.unshift(piece.subarray(part.length));
    into.set(part);
    return Promise.resolve(part.length);
  }

  write(bytes: Uint8Array): Promise<number> {
    this.sent.push(bytes.slice());
    return Promise.resolve(bytes.length);
  }

  closeWrite(): Promise<void> {
    return Promise.resolve();
  }

  close(): void {
    this.closed++;
  }

  get connector(): Connector {
    return () => Promise.resolve(this);
  }
}
