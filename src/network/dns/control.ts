/**
 * @module
 * The protocol between an engine and its DNS process: one JSON message a line over a Unix socket.
 */
import type { NameTable } from "./name_table.ts";

/** A request of the engine. */
export type NameRequest =
  /** Replaces the table that queries are answered from. */
  | { readonly table: NameTable }
  /** Tells the process to exit, as no container needs it any more. */
  | { readonly end: true };

/** The reply of the DNS process, sent once the request is done. */
export interface NameReply {
  /** Addresses that could not be listened on, each with the reason. */
  readonly troubles: readonly string[];
}

/** Encodes one message as a line. */
export const toLine = (message: NameRequest | NameReply): Uint8Array<ArrayBuffer> =>
  new TextEncoder().encode(`${JSON.stringify(message)}\n`);

/** Yields the messages received until the peer closes its side. */
export async function* messagesFrom<T extends NameRequest | NameReply>(
  readable: ReadableStream<Uint8Array<ArrayBuffer>>,
): AsyncGenerator<T> {
  let rest = "";
  for await (const text of readable.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    for (const line of lines) yield JSON.parse(line);
  }
}
