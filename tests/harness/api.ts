/**
 * The Engine API as raw HTTP/1.1 over its Unix socket, one connection per request. It hides nothing: status, headers,
 * chunks and hijacked connections are returned as received.
 */
import { bytesOf, concat, readAll } from "../images/bytes.ts";
import { ByteReader, chunkedBody, readHeaders } from "./byte_reader.ts";

export interface ApiRequestOptions {
  readonly headers?: Readonly<Record<string, string>>;
  /** Bytes and text are sent unchanged, chunks of an iterable as a chunked body, anything else as JSON. */
  readonly body?: unknown;
}

export class ApiResponse {
  readonly status: number;
  readonly reason: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;

  constructor(head: ResponseHead, body: Uint8Array) {
    ({ status: this.status, reason: this.reason, headers: this.headers } = head);
    this.body = body;
  }

  text(): string {
    return new TextDecoder().decode(this.body);
  }

  json<Parsed = Record<string, unknown>>(): Parsed {
    return JSON.parse(this.text());
  }

  /** Parses one JSON value per line, the format of progress and events. */
  jsonLines<Parsed = Record<string, unknown>>(): Parsed[] {
    return this.text().split(/\r?\n/).filter((line) => line !== "").map((line) => JSON.parse(line));
  }
}

interface ResponseHead {
  readonly status: number;
  readonly reason: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** A response whose body is read as it arrives. Disposing of it closes the connection. */
export interface ApiStream extends ResponseHead, Disposable {
  chunks(): AsyncIterable<Uint8Array>;
  lines(): AsyncIterable<string>;
}

/** A frame of Docker's multiplexed stream: 0 stdin, 1 stdout, 2 stderr, 3 system error. */
export interface Frame {
  readonly stream: number;
  readonly bytes: Uint8Array;
}

/** A connection hijacked by attach or exec. */
export interface HijackedConnection extends ResponseHead, Disposable {
  write(data: string | Uint8Array): Promise<void>;
  /** Ends the input; output continues. */
  closeWrite(): Promise<void>;
  /** Yields raw bytes until the engine closes the connection. */
  chunks(): AsyncIterable<Uint8Array>;
  /** Yields the same bytes, split into frames. */
  frames(): AsyncIterable<Frame>;
}

export class EngineApi {
  readonly socketPath: string;
  readonly #prefix: string;

  /** @param prefix is put before every path, such as "/v1.41" */
  constructor(socketPath: string, prefix = "") {
    this.socketPath = socketPath;
    this.#prefix = prefix;
  }

  /** Returns a client of the same engine with another API version. */
  version(version: string): EngineApi {
    return new EngineApi(this.socketPath, `/v${version}`);
  }

  async request(method: string, path: string, options: ApiRequestOptions = {}): Promise<ApiResponse> {
    using exchange = await this.#send(method, path, options, { connection: "close" });
    return new ApiResponse(exchange.head, await readAll(exchange.body(method)));
  }

  get(path: string, options: ApiRequestOptions = {}): Promise<ApiResponse> {
    return this.request("GET", path, options);
  }

  post(path: string, body?: unknown): Promise<ApiResponse> {
    return this.request("POST", path, { body });
  }

  delete(path: string): Promise<ApiResponse> {
    return this.request("DELETE", path);
  }

  async stream(method: string, path: string, options: ApiRequestOptions = {}): Promise<ApiStream> {
    const exchange = await this.#send(method, path, options, { connection: "close" });
    return {
      ...exchange.head,
      chunks: () => exchange.body(method),
      lines: () => linesOf(exchange.body(method)),
      [Symbol.dispose]: () => exchange[Symbol.dispose](),
    };
  }

  /** Sends attach and exec start requests. `upgrade: false` omits the Upgrade header, as older clients do. */
  async hijack(
    method: string,
    path: string,
    options: ApiRequestOptions & { readonly upgrade?: boolean } = {},
  ): Promise<HijackedConnection> {
    const upgrade: Record<string, string> = options.upgrade === false ? {} : { connection: "Upgrade", upgrade: "tcp" };
    const { head, reader, connection, [Symbol.dispose]: dispose } = await this.#send(method, path, options, upgrade);
    return {
      ...head,
      write: (data) => writeAll(connection, bytesOf(data)),
      closeWrite: () => connection.closeWrite(),
      chunks: () => reader.rest(),
      frames: () => framesOf(reader),
      [Symbol.dispose]: dispose,
    };
  }

  async #send(
    method: string,
    path: string,
    { headers, body }: ApiRequestOptions,
    connectionHeaders: Readonly<Record<string, string>>,
  ): Promise<Exchange> {
    const connection = await Deno.connect({ transport: "unix", path: this.socketPath });
    try {
      const sent = encodedBody(body);
      const all = { host: "tsd", ...connectionHeaders, ...sent.headers, ...headers };
      const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`).join("");
      await writeAll(connection, bytesOf(`${method} ${this.#prefix}${path} HTTP/1.1\r\n${lines}\r\n`));
      for await (const chunk of sent.chunks) await writeAll(connection, chunk);
      return await exchangeOn(connection, `${method} ${path}`);
    } catch (error) {
      connection.close();
      throw error;
    }
  }
}

interface Exchange extends Disposable {
  readonly connection: Deno.UnixConn;
  readonly reader: ByteReader;
  readonly head: ResponseHead;
  body(method: string): AsyncIterable<Uint8Array>;
}

async function exchangeOn(connection: Deno.UnixConn, what: string): Promise<Exchange> {
  const reader = new ByteReader(connection);
  const statusLine = await reader.line();
  const [, status, reason = ""] = /^HTTP\/1\.1 (\d{3}) ?(.*)$/.exec(statusLine ?? "") ?? [];
  if (!status) throw new Error(`${what}: no HTTP answer but ${JSON.stringify(statusLine ?? "the end")}`);
  const head = { status: Number(status), reason, headers: await readHeaders(reader) };
  let open = true;
  return {
    connection,
    reader,
    head,
    body: (method) => bodyOf(reader, head, method),
    [Symbol.dispose]() {
      if (open) connection.close();
      open = false;
    },
  };
}

function bodyOf(reader: ByteReader, head: ResponseHead, method: string): AsyncIterable<Uint8Array> {
  if (method === "HEAD" || head.status === 204 || head.status === 304) return ReadableStream.from([]);
  if (head.headers["transfer-encoding"] === "chunked") return chunkedBody(reader);
  const length = head.headers["content-length"];
  return length === undefined ? reader.rest() : reader.exactly(Number(length));
}

interface EncodedBody {
  readonly headers: Readonly<Record<string, string>>;
  readonly chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
}

function encodedBody(body: unknown): EncodedBody {
  if (body === undefined) return { headers: { "content-length": "0" }, chunks: [] };
  if (typeof body === "object" && body !== null && Symbol.asyncIterator in body) {
    return { headers: { "transfer-encoding": "chunked" }, chunks: inChunks(body as AsyncIterable<Uint8Array>) };
  }
  const isRaw = typeof body === "string" || body instanceof Uint8Array;
  const bytes = bytesOf(isRaw ? body : JSON.stringify(body));
  const type: Record<string, string> = isRaw ? {} : { "content-type": "application/json" };
  return { headers: { ...type, "content-length": String(bytes.length) }, chunks: [bytes] };
}

async function* inChunks(chunks: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  for await (const chunk of chunks) {
    if (chunk.length > 0) yield concat([bytesOf(`${chunk.length.toString(16)}\r\n`), chunk, bytesOf("\r\n")]);
  }
  yield bytesOf("0\r\n\r\n");
}

async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncIterable<string> {
  let rest = "";
  const decoder = new TextDecoder();
  for await (const chunk of chunks) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split(/\r?\n/);
    rest = lines.pop() ?? "";
    yield* lines.filter((line) => line !== "");
  }
  if (rest !== "") yield rest;
}

async function* framesOf(reader: ByteReader): AsyncIterable<Frame> {
  while (true) {
    const header = await readAll(reader.exactly(8));
    if (header.length === 0) return;
    if (header.length < 8 || header[1] || header[2] || header[3]) throw new Error(`No frame header: ${header.toHex()}`);
    const sizeBytes = new DataView(header.buffer).getUint32(4);
    const bytes = await readAll(reader.exactly(sizeBytes));
    if (bytes.length < sizeBytes) throw new Error(`A frame of ${sizeBytes} bytes ended after ${bytes.length}`);
    yield { stream: header[0]!, bytes };
  }
}

async function writeAll(connection: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
}
