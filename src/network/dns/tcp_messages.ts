/**
 * @module
 * DNS messages over TCP, each prefixed by its length (RFC 1035, 4.2.2; RFC 7766).
 */

const LENGTH_BYTES = 2;

/** Yields the messages of a connection until its end. An incomplete last message is dropped. */
export async function* messagesOf(connection: Pick<Deno.Conn, "read">): AsyncGenerator<Uint8Array> {
  const length = new Uint8Array(LENGTH_BYTES);
  while (await fill(connection, length)) {
    const message = new Uint8Array(new DataView(length.buffer).getUint16(0));
    if (!await fill(connection, message)) return;
    yield message;
  }
}

/** Fills the buffer. Returns false if the connection ended before. */
async function fill(connection: Pick<Deno.Conn, "read">, bytes: Uint8Array): Promise<boolean> {
  for (let at = 0; at < bytes.length;) {
    const count = await connection.read(bytes.subarray(at));
    if (count === null) return false;
    at += count;
  }
  return true;
}

/** Sends one message with its length prefix. */
export async function sendMessage(connection: Pick<Deno.Conn, "write">, message: Uint8Array): Promise<void> {
  const bytes = new Uint8Array(LENGTH_BYTES + message.length);
  new DataView(bytes.buffer).setUint16(0, message.length);
  bytes.set(message, LENGTH_BYTES);
  for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
}

/** Whether an error means that the peer closed or reset the connection, or timed out. */
export const isEnded = (thrown: unknown): boolean =>
  thrown instanceof Deno.errors.ConnectionReset || thrown instanceof Deno.errors.BrokenPipe ||
  thrown instanceof Deno.errors.ConnectionRefused || thrown instanceof Deno.errors.ConnectionAborted ||
  thrown instanceof Deno.errors.BadResource || thrown instanceof Deno.errors.Interrupted ||
  thrown instanceof Deno.errors.TimedOut || thrown instanceof Deno.errors.NotConnected ||
  thrown instanceof Deno.errors.UnexpectedEof || thrown instanceof Deno.errors.AddrNotAvailable ||
  thrown instanceof Deno.errors.NetworkUnreachable;

/** Sends one query to a server. Returns undefined if no answer comes in time. */
export async function tcpExchange(
  message: Uint8Array,
  server: { readonly hostname: string; readonly port: number },
  timeoutMs: number,
): Promise<Uint8Array | undefined> {
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    using connection = await Deno.connect({ ...server, signal });
    const end = () => connection.close();
    signal.addEventListener("abort", end, { once: true });
    using _timeout = { [Symbol.dispose]: () => signal.removeEventListener("abort", end) };
    await sendMessage(connection, message);
    for await (const answer of messagesOf(connection)) return answer;
    return undefined;
  } catch (thrown) {
    if (signal.aborted || isEnded(thrown)) return undefined;
    throw thrown;
  }
}
