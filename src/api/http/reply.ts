/**
 * @module
 * What a handler may answer. Handlers return one of these values; the one adapter (`server.ts`) performs it, so no
 * handler ever touches a socket.
 */

/** A raw duplex connection after the HTTP head (attach, exec). */
export interface HijackedConnection {
  /** Bytes from the client; ends when it closes its half. Read it or cancel it, or nobody sees that the client is gone. */
  readonly input: ReadableStream<Uint8Array>;
  /** Resolves when the client can take more. A client that has gone makes it a no-op. */
  write(bytes: Uint8Array): Promise<void>;
  /** Aborted when the client is gone. */
  readonly disconnected: AbortSignal;
  /** Aborted when the engine is about to leave. */
  readonly leaving: AbortSignal;
  /** Nothing more is written; what the client still sends is read. */
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
    /** The head is sent before the first chunk is asked for. */
    readonly body: AsyncIterable<Uint8Array>;
    /** Nobody can wait for its end: an engine that leaves cuts it off at once. */
    readonly endless?: boolean;
  }
  | {
    readonly kind: "hijack";
    readonly contentType: string;
    readonly headers?: HeaderMap;
    /** Runs after the head is on its way; the connection closes when it returns. */
    run(connection: HijackedConnection): Promise<void>;
  };

export type HeaderMap = Readonly<Record<string, string>>;

export const json = (body: unknown, status = 200): Reply => ({ kind: "json", status, body });
export const empty = (status = 204): Reply => ({ kind: "empty", status });

/** Docker's streams of progress: JSON objects, each ended by CRLF. */
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

/** Bytes of text that are sent at a time. */
const ARRAY_PART_CHARS = 16 * 1024;

/** A JSON array that is written while its items come. What goes wrong before the first of them still has a status. */
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
