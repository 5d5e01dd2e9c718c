/**
 * @module
 * Reads request bodies whole, with a cap: only small JSON arrives this way (uploads have routes of their own).
 */
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { TsdError } from "../../errors.ts";

/** Most bytes of a JSON body. */
export const MAX_JSON_BODY_BYTES = 4 << 20;

const tooLarge = () =>
  new TsdError("payload_too_large", `The request's body is larger than ${MAX_JSON_BODY_BYTES} bytes`);

/** The body of an ordinary request. @throws {TsdError} payload_too_large */
export async function readBody(request: IncomingMessage): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let total = 0;
  for await (const chunk of request) {
    total += chunk.length;
    if (total > MAX_JSON_BODY_BYTES) throw tooLarge();
    chunks.push(chunk);
  }
  return concat(chunks, total);
}

/**
 * The body of a request with an `Upgrade` header, which node:http leaves on the socket; `rest` is what already belongs
 * to the raw stream. Both resolve together.
 */
export function bodyOfUpgrade(
  request: IncomingMessage,
  socket: Socket,
  head: Uint8Array,
): { body: Promise<Uint8Array>; rest: Promise<Uint8Array> } {
  const both = takeBody(request, socket, head);
  // A handler that doesn't ask for the body must not leave a rejection unhandled.
  const [body, rest] = [both.then(([first]) => first), both.then(([, second]) => second)];
  body.catch(() => undefined);
  rest.catch(() => undefined);
  return { body, rest };
}

async function takeBody(request: IncomingMessage, socket: Socket, head: Uint8Array): Promise<[Uint8Array, Uint8Array]> {
  if (request.headers["transfer-encoding"] !== undefined) {
    throw new TsdError("invalid_argument", "Cannot upgrade: send the body with Content-Length, not chunked");
  }
  const length = Number(request.headers["content-length"] ?? 0);
  if (!Number.isSafeInteger(length) || length < 0) throw new TsdError("invalid_argument", "Bad Content-Length");
  if (length > MAX_JSON_BODY_BYTES) throw tooLarge();
  const chunks: Uint8Array[] = [new Uint8Array(head)];
  let total = head.length;
  while (total < length) {
    const chunk = await nextChunk(socket);
    if (chunk === undefined) throw new TsdError("invalid_argument", "The request's body ended early");
    chunks.push(chunk);
    total += chunk.length;
  }
  const all = concat(chunks, total);
  return [all.slice(0, length), all.slice(length)];
}

function nextChunk(socket: Socket): Promise<Uint8Array | undefined> {
  return new Promise((resolve) => {
    const finish = (chunk?: Uint8Array) => {
      socket.pause();
      socket.off("data", finish);
      socket.off("end", onEnd);
      socket.off("close", onEnd);
      resolve(chunk === undefined ? undefined : new Uint8Array(chunk));
    };
    const onEnd = () => finish();
    socket.on("data", finish);
    socket.on("end", onEnd);
    socket.on("close", onEnd);
    socket.resume();
  });
}

function concat(chunks: readonly Uint8Array[], total: number): Uint8Array {
  const all = new Uint8Array(total);
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}
