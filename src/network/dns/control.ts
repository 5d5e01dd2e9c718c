/**
 * @module
 * What an engine says to the process that answers for names, and back: JSON, one line each, over a unix socket.
 */
import type { NameTable } from "./name_table.ts";

/** From the engine. */
export type NameRequest =
  /** Answer from this one from now on. */
  | { readonly table: NameTable }
  /** Nobody needs you any more. */
  | { readonly end: true };

/** From the process: the request has been done. */
export interface NameReply {
  /** Addresses on which nobody answers, each with the reason. */
  readonly troubles: readonly string[];
}

/** One message. */
export const toLine = (message: NameRequest | NameReply): Uint8Array<ArrayBuffer> =>
  new TextEncoder().encode(`${JSON.stringify(message)}\n`);

/** Messages that come in, until the other side ends. */
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
