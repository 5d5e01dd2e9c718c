/**
 * @module
 * The replies that a handler can return. A reply is performed by the server's adapter (`server.ts`), so handlers never
 * touch a socket.
 */

/** A raw duplex connection after the HTTP head (attach, exec). */
export interface HijackedConnection {
  /**
   * Bytes from the client; ends when it closes its half. Must be read or cancelled, else a disconnect goes unnoticed.
   */
  readonly input: ReadableStream<Uint8Array>;
  /** Resolves when the client can take more. Has no effect if it has disconnected. */
  write(bytes: Uint8Array): Promise<void>;
  /** Aborted when the client disconnects. */
  readonly disconnected: AbortSignal;
  /** Aborted when the engine is about to shut down. */
  readonly leaving: AbortSignal;
  /** Closes the output; the client's further input is still read. */
  endOutput(): void;
}

export type Reply =
  | { readonly kind: "empty"; readonly status: number; readonly headers?: HeaderMap }
  | { readonly kind: "json"; readonly status: number; readonly body: unknown; readonly headers?: HeaderMap }
  | { readonly kind: "text"; readonly status: number; readonly body: string; readonly headers?: HeaderMap }
  | {
    readonly kind: "stream";
    readonly contentType: string;
    readonly headers?: HeaderMap;
    /** The head is sent before the first chunk is requested. */
    readonly body: AsyncIterable<Uint8Array>;
    /** Has no end to wait for: an engine that shuts down closes the connection at once. */
    readonly endless?: boolean;
  }
  | {
    readonly kind: "hijack";
    readonly contentType: string;
    readonly headers?: HeaderMap;
    /** Runs after the head was sent; the connection is closed when it returns. */
    run(connection: HijackedConnection): Promise<void>;
  };

export type HeaderMap = Readonly<Record<string, string>>;

export const json = (body: unknown, status = 200): Reply => ({ kind: "json", status, body });
export const empty = (status = 204): Reply => ({ kind: "empty", status });

/** Returns a stream of JSON objects that are terminated by CRLF, as Docker's progress streams are. */
export function jsonLines(items: AsyncIterable<unknown>): Reply {
  const encoder = new TextEncoder();
  return {
    kind: "stream",
    contentType: "application/json",
    body: (async function* () {
      for await (const item of items) yield encoder.encode(`${JSON.stringify(item)}\r\n`);
    })(),
  };
}

/** Size of the parts that are sent, in characters. */
const ARRAY_PART_CHARS = 16 * 1024;

/**
 * Returns a JSON array that is streamed while its items are produced. An error before the first item still gets an HTTP
 * status.
 */
export async function jsonArray<T>(source: AsyncIterable<T>, view: (item: T) => unknown): Promise<Reply> {
  const items = source[Symbol.asyncIterator]();
  const first = await items.next();
  return { kind: "stream", contentType: "application/json", body: arrayOf(items, first, view) };
}

async function* arrayOf<T>(
  items: AsyncIterator<T>,
  first: IteratorResult<T>,
  view: (item: T) => unknown,
): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder();
  let text = "[";
  try {
    for (let next = first; !next.done; next = await items.next()) {
      if (next !== first) text += ",";
      text += JSON.stringify(view(next.value));
      if (text.length < ARRAY_PART_CHARS) continue;
      yield encoder.encode(text);
      text = "";
    }
    yield encoder.encode(`${text}]\n`);
  } finally {
    await items.return?.();
  }
}

/** A source whose first item is there already: what goes wrong before it still has a status. Read it to its end or `return()`. */
export async function started<T>(source: AsyncIterable<T>): Promise<AsyncIterable<T>> {
  const items = source[Symbol.asyncIterator]();
  let first: IteratorResult<T> | undefined = await items.next();
  return {
    [Symbol.asyncIterator]: () => ({
      next: async () => {
        const present = first;
        first = undefined;
        return present ?? await items.next();
      },
      return: async () => await items.return?.() ?? { done: true, value: undefined },
    }),
  };
}
