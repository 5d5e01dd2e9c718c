/**
 * @module
 * Request bodies: whole and with a cap (JSON), or as they come (uploads).
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { TsdError } from "../../errors.ts";
import { duplicateKey, measureJson } from "../../json/keys.ts";

/** Most bytes of a JSON body. */
export const MAX_JSON_BODY_BYTES = 4 << 20;

const tooLarge = () =>
  new TsdError("payload_too_large", `The request's body is larger than ${MAX_JSON_BODY_BYTES} bytes`);

/** The body of an ordinary request. @throws {TsdError} payload_too_large, cancelled */
export async function readBody(request: IncomingMessage): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let total = 0;
  for await (const chunk of bodyAsItComes(request)) {
    total += chunk.length;
    if (total > MAX_JSON_BODY_BYTES) throw tooLarge();
    chunks.push(chunk);
  }
  return concat(chunks, total);
}

/** How deep lists and objects may be inside each other: no client goes further than ten, and whoever walks must come back. */
const MAX_JSON_DEPTH = 200;

const JSON_TYPE = "application/json";

const invalidJson = (why: string, cause?: unknown) =>
  new TsdError("invalid_argument", `invalid JSON: ${why}`, cause === undefined ? {} : { cause });

/**
 * A body as JSON; an empty one is undefined. As in Docker it has to be called JSON: what pages and forms can send isn't.
 * Duplicate keys in one object are refused, because all but the last would be lost with their content.
 * @throws {TsdError} invalid_argument
 */
export function parseJson(bytes: Uint8Array, contentType = ""): unknown {
  if (bytes.length === 0) return undefined;
  requireJsonType(contentType);
  const text = decoded(bytes);
  const size = measureJson(text);
  if (size.depth > MAX_JSON_DEPTH) throw invalidJson("exceeded max depth");
  const value = parsed(text);
  const twice = duplicateKey(text, value, size);
  if (twice !== undefined) throw invalidJson(`duplicate key ${shownKey(twice)}`);
  return value;
}

function requireJsonType(contentType: string): void {
  const type = contentType.split(";", 1)[0]!.trim().toLowerCase();
  if (type === "") {
    throw new TsdError("invalid_argument", `malformed Content-Type header (${contentType}): mime: no media type`);
  }
  if (type !== JSON_TYPE) {
    throw new TsdError("invalid_argument", `unsupported Content-Type header (${contentType}): must be '${JSON_TYPE}'`);
  }
}

function decoded(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    if (cause instanceof TypeError) throw invalidJson("it is not UTF-8", cause);
    throw cause;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    // The parser quotes what it has read, which may be anything.
    throw invalidJson(cause.message.replace(/[^\x20-\x7e]+/g, " ").trim(), cause);
  }
}

/** Longest key that an error shows, in characters. */
const SHOWN_KEY = 80;

const shownKey = (key: string): string => JSON.stringify(key.slice(0, SHOWN_KEY)).replace(/[^\x20-\x7e]+/g, "?");

/**
 * The body while it arrives, no faster than it is read. Leaving early keeps the connection for an answer.
 * @throws {TsdError} cancelled: the client has gone before its end
 */
export async function* bodyAsItComes(request: IncomingMessage): AsyncGenerator<Uint8Array> {
  try {
    yield* request.iterator({ destroyOnReturn: false });
  } catch (cause) {
    throw new TsdError("cancelled", "The client went away in the middle of its upload", { cause });
  }
}

/** How long a client may go on sending what nobody wants any more, in ms: cut off at once it would miss the answer. */
const LINGER_MS = 2000;

/**
 * Ends an answer. What the client still sends, of a body that nobody wants any more, is read away first: a connection that
 * isn't kept is cut off with the end, and the answer with it.
 */
export function endAnswer(request: IncomingMessage, response: ServerResponse, last?: Uint8Array): void {
  if (request.complete || request.destroyed) {
    response.end(last);
    return;
  }
  if (last === undefined) response.flushHeaders();
  else response.write(last);
  const timer = setTimeout(() => request.socket.destroy(), LINGER_MS);
  request.once("end", () => {
    clearTimeout(timer);
    response.end();
  });
  request.once("close", () => clearTimeout(timer));
  // Not resume(): it does nothing while somebody who has given up still waits for a chunk.
  const drop = () => {
    while (request.read() !== null);
  };
  request.on("readable", drop);
  drop();
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
  const all = await collect(request, socket, head, length);
  return [all.slice(0, length), all.slice(length)];
}

/**
 * At least `length` bytes. What came together with the head is given out by the request, what comes later by the
 * socket; the request's part is always the earlier one.
 */
function collect(request: IncomingMessage, socket: Socket, head: Uint8Array, length: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [new Uint8Array(head)];
  let total = head.length;
  if (total >= length) return Promise.resolve(concat(chunks, total));
  return new Promise((resolve, reject) => {
    const stop = () => {
      socket.pause();
      socket.off("data", take);
      socket.off("close", lost);
      socket.off("end", lost);
      request.off("data", take);
    };
    const take = (chunk: Uint8Array) => {
      chunks.push(new Uint8Array(chunk));
      total += chunk.length;
      if (total < length) return;
      stop();
      resolve(concat(chunks, total));
    };
    const lost = () => {
      stop();
      reject(new TsdError("invalid_argument", "The request's body ended early"));
    };
    request.on("data", take);
    socket.on("data", take);
    socket.on("close", lost);
    socket.on("end", lost);
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
