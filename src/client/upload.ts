/** Sending a body that is made while it is sent (RFC 9112, chunked). */
import type { Connection } from "./connection.ts";

const ENCODER = new TextEncoder();
const LINE_END = ENCODER.encode("\r\n");
const LAST_CHUNK = ENCODER.encode("0\r\n\r\n");

/** An upload under way. */
export interface Upload {
  /** Rejects with the source's own error, and never resolves: an end, or an engine that takes no more, is seen in its answer. */
  readonly failed: Promise<never>;
  /** Nothing more is sent, and the source is given up. */
  stop(): void;
}

/** Sends all of `source`, no faster than the engine takes it, until `stop`. */
export function startUpload(connection: Connection, source: AsyncIterable<Uint8Array>): Upload {
  const { promise: failed, reject } = Promise.withResolvers<never>();
  // Whoever has its answer doesn't listen any more.
  failed.catch(() => undefined);
  let stopped = false;
  const chunks = source[Symbol.asyncIterator]();
  const stop = () => {
    if (stopped) return;
    stopped = true;
    // One that waits for something ends when that comes; nobody has to wait for it.
    void Promise.allSettled([chunks.return?.()]);
  };
  const sendAll = async () => {
    while (!stopped) {
      const next = await chunks.next();
      if (stopped) return;
      const bytes = next.done ? [LAST_CHUNK] : framed(next.value);
      // The answer says why.
      if (!await sent(connection, bytes)) return stop();
      if (next.done) return;
    }
  };
  sendAll().catch(reject);
  return { failed, stop };
}

/** An empty chunk would be the last one. */
function framed(bytes: Uint8Array): Uint8Array[] {
  return bytes.length === 0 ? [] : [ENCODER.encode(`${bytes.length.toString(16)}\r\n`), bytes, LINE_END];
}

/** False when the other end takes nothing more. */
async function sent(connection: Connection, parts: readonly Uint8Array[]): Promise<boolean> {
  try {
    for (const part of parts) {
      for (let at = 0; at < part.length;) at += await connection.write(part.subarray(at));
    }
    return true;
  } catch (thrown) {
    if (isRemoved(thrown)) return false;
    throw thrown;
  }
}

/** Whether a connection failed because one of its ends was closed. */
export const isRemoved = (thrown: unknown): boolean =>
  thrown instanceof Deno.errors.BrokenPipe || thrown instanceof Deno.errors.ConnectionReset ||
  thrown instanceof Deno.errors.ConnectionAborted || thrown instanceof Deno.errors.NotConnected ||
  thrown instanceof Deno.errors.BadResource || thrown instanceof Deno.errors.Interrupted;
