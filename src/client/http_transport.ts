import { toTsdError, TsdError } from "../errors.ts";
import { ByteReader, connectionLost } from "./byte_reader.ts";
import type { Connection, Connector } from "./connection.ts";
import { engineError } from "./engine_error.ts";
import { bodyOf, encodeRequest, type NextChunk, readHead, type ResponseHead } from "./http_message.ts";
import {
  type ByteSource,
  encodeQuery,
  type EngineRequest,
  type EngineResponse,
  type EngineTransport,
  type RawStream,
  readText,
} from "./transport.ts";
import { isRemoved, startUpload } from "./upload.ts";

/** The Engine API version that this client speaks. */
export const API_VERSION = "1.50";

/** The type of a raw stream with both outputs in it. */
export const MULTIPLEXED = "application/vnd.docker.multiplexed-stream";

/**
 * The Engine API over HTTP/1.1, a connection a request: the sockets are local, where connecting is cheaper than finding
 * out whether an idle connection still lives.
 */
export class HttpTransport implements EngineTransport, Disposable {
  readonly #connect: Connector;
  readonly #hostHeader: string;
  readonly #open = new Set<Connection>();
  #isClosed = false;

  /** `hostHeader` matters to engines on TCP, which refuse names that aren't theirs. */
  constructor(connect: Connector, hostHeader = "tsd") {
    this.#connect = connect;
    this.#hostHeader = hostHeader;
  }

  /** Closes the connections of pending requests and raw streams. Later requests fail with `cancelled`, as these do. */
  [Symbol.dispose](): void {
    this.#isClosed = true;
    for (const connection of this.#open) connection.close();
  }

  async request(request: EngineRequest): Promise<EngineResponse> {
    const { connection, reader, head, release } = await this.#exchange(request, { Connection: "close" });
    const body = byteSource(bodyOf(reader, request.method, head), () => {
      release();
      connection.close();
    }, request.signal);
    if (head.status < 400) return { ...head, body };
    throw engineError(head, await readText({ ...head, body }));
  }

  async hijack(request: EngineRequest): Promise<RawStream> {
    // Without an upgrade an ordinary answer is as right as a connection that is taken over.
    const requested: Record<string, string> = request.mayAnswer
      ? { Connection: "close" }
      : { Connection: "Upgrade", Upgrade: "tcp" };
    const { connection, reader, head, release } = await this.#exchange(request, requested);
    if (head.status >= 400) {
      const body = byteSource(bodyOf(reader, request.method, head), () => {
        release();
        connection.close();
      });
      throw engineError(head, await readText({ ...head, body }));
    }
    return new HijackedStream(connection, head, bodyOf(reader, request.method, head), release, request.signal);
  }

  /** Sends a request and reads the answer's head. `release` unhooks the caller's signal from the connection. */
  async #exchange(
    { method, path, query, body, upload, headers: own, onConnected, signal, timeoutMs }: EngineRequest,
    headers: Readonly<Record<string, string>>,
  ): Promise<{ connection: Connection; reader: ByteReader; head: ResponseHead; release: () => void }> {
    if (this.#isClosed) throw closedError();
    signal?.throwIfAborted();
    const target = `/v${API_VERSION}${path}${encodeQuery(query)}`;
    const always = { Host: this.#hostHeader, "User-Agent": "tsd" };
    const content = upload === undefined ? { json: body } : "chunked";
    const bytes = encodeRequest(method, target, { ...always, ...headers, ...own }, content);
    const connection = this.#track(await this.#connect());
    if (this.#isClosed) connection.close();
    onConnected?.();
    const limit = limitedBy(signal, timeoutMs);
    const abort = () => connection.close();
    limit?.addEventListener("abort", abort, { once: true });
    const release = () => limit?.removeEventListener("abort", abort);
    try {
      limit?.throwIfAborted();
      await writeAll(connection, bytes);
      const reader = new ByteReader(connection);
      const head = await headAfter(upload, connection, reader);
      // The time limit is for the head only, the caller's signal for all.
      release();
      signal?.addEventListener("abort", abort, { once: true });
      return { connection, reader, head, release: () => signal?.removeEventListener("abort", abort) };
    } catch (thrown) {
      release();
      connection.close();
      throw exchangeError(thrown, limit);
    }
  }

  /** Remembers an open connection. Several parties may end an exchange, and `Deno.Conn` throws at the second close. */
  #track(connection: Connection): Connection {
    const tracked: Connection = {
      read: async (into) => {
        try {
          return await connection.read(into);
        } catch (thrown) {
          throw this.#isClosed ? closedError() : thrown;
        }
      },
      write: (bytes) => connection.write(bytes),
      closeWrite: () => connection.closeWrite(),
      close: () => {
        if (this.#open.delete(tracked)) connection.close();
      },
    };
    this.#open.add(tracked);
    return tracked;
  }
}

const closedError = () => new TsdError("cancelled", "The client was closed");

/** The answer's head, while the upload goes on: an engine that refuses it may not wait for its end. */
async function headAfter(
  source: AsyncIterable<Uint8Array> | undefined,
  connection: Connection,
  reader: ByteReader,
): Promise<ResponseHead> {
  if (source === undefined) return await readHead(reader);
  const upload = startUpload(connection, source);
  try {
    return await Promise.race([readHead(reader), upload.failed]);
  } finally {
    upload.stop();
  }
}

function limitedBy(signal: AbortSignal | undefined, timeoutMs: number | undefined): AbortSignal | undefined {
  if (timeoutMs === undefined) return signal;
  const timeout = AbortSignal.timeout(timeoutMs);
  return signal === undefined ? timeout : AbortSignal.any([signal, timeout]);
}

async function writeAll(connection: Connection, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
}

function exchangeError(thrown: unknown, signal: AbortSignal | undefined): TsdError {
  if (signal?.aborted) return toTsdError(signal.reason);
  return isRemoved(thrown) ? connectionLost() : toTsdError(thrown);
}

function byteSource(next: NextChunk, finish: () => void, signal?: AbortSignal): ByteSource {
  return {
    async *[Symbol.asyncIterator]() {
      try {
        for (let chunk = await next(); chunk !== undefined; chunk = await next()) yield chunk;
      } catch (thrown) {
        throw exchangeError(thrown, signal);
      } finally {
        finish();
      }
    },
    cancel() {
      finish();
      return Promise.resolve();
    },
  };
}

class HijackedStream implements RawStream {
  readonly headers: ReadonlyMap<string, string>;
  readonly multiplexed: boolean;
  readonly output: ByteSource;
  readonly #connection: Connection;
  readonly #release: () => void;

  constructor(
    connection: Connection,
    { headers }: ResponseHead,
    next: NextChunk,
    release: () => void,
    signal: AbortSignal | undefined,
  ) {
    this.#connection = connection;
    this.#release = release;
    this.headers = headers;
    this.multiplexed = headers.get("content-type") === MULTIPLEXED;
    this.output = byteSource(next, release, signal);
  }

  async write(bytes: Uint8Array): Promise<boolean> {
    try {
      await writeAll(this.#connection, bytes);
      return true;
    } catch (thrown) {
      if (isRemoved(thrown)) return false;
      throw thrown;
    }
  }

  async closeWrite(): Promise<void> {
    try {
      await this.#connection.closeWrite();
    } catch (thrown) {
      if (!isRemoved(thrown)) throw thrown;
    }
  }

  [Symbol.dispose](): void {
    this.#release();
    this.#connection.close();
  }
}
