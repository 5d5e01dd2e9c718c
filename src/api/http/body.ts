/**
 * @module
 * Request bodies: buffered up to a limit (JSON), or streamed (uploads).
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { TsdError } from "../../errors.ts";
import { duplicateKey, measureJson } from "../../json/keys.ts";

/** Maximum size of a JSON body in bytes. */
export const MAX_JSON_BODY_BYTES = 4 << 20;

const tooLarge = () =>
  new TsdError("payload_too_large", `The request's body is larger than ${MAX_JSON_BODY_BYTES} bytes`);

/**
 * Reads the body of an ordinary request.
 * @throws {TsdError} payload_too_large, cancelled
 */
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

/**
 * Maximum nesting of arrays and objects: no client needs more than ten levels, and recursive code must not overflow the
 * stack.
 */
const MAX_JSON_DEPTH = 200;

const JSON_TYPE = "application/json";

const invalidJson = (why: string, cause?: unknown) =>
  new TsdError("invalid_argument", `invalid JSON: ${why}`, cause === undefined ? {} : { cause });

/**
 * Parses a body as JSON; an empty one is undefined. Like Docker, requires the media type of JSON, which web pages and
 * forms can't send across origins. Duplicate keys in an object are refused, because all but the last would be lost
 * silently.
 * @throws {TsdError} invalid_argument
 */
export function parseJson(bytes: Uint8Array, contentType = ""): unknown {
  if (bytes.length === 0) return undefined;
  requireJsonType(contentType);
  const text = decoded(bytes);
  const size = measureJson(text);
  if (size.depth > MAX_JSON_DEPTH) throw invalidJson("exceeded max depth");
  const value = parsed(text);
  const duplicate = duplicateKey(text, value, size);
  if (duplicate !== undefined) throw invalidJson(`duplicate key ${shownKey(duplicate)}`);
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
    // The parser's message quotes its input, which may be anything.
    throw invalidJson(cause.message.replace(/[^\x20-\x7e]+/g, " ").trim(), cause);
  }
}

/** Maximum length of a key shown in an error, in characters. */
const SHOWN_KEY = 80;

const shownKey = (key: string): string => JSON.stringify(key.slice(0, SHOWN_KEY)).replace(/[^\x20-\x7e]+/g, "?");

/**
 * Streams the body with backpressure. Ending the iteration early keeps the connection open for the response.
 * @throws {TsdError} cancelled if the client disconnected before the end
 */
export async function* bodyAsItComes(request: IncomingMessage): AsyncGenerator<Uint8Array> {
  try {
    yield* request.iterator({ destroyOnReturn: false });
  } catch (cause) {
    throw new TsdError("cancelled", "The client went away in the middle of its upload", { cause });
  }
}

/** How long a client may continue to send an unneeded body, in ms: closing at once would lose the response. */
const LINGER_MS = 2000;

/**
 * Ends a response. An unneeded rest of the request's body is drained first, because closing a connection with unread
 * data resets it and loses the response.
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
  // Not resume(): it has no effect while an abandoned reader still waits for a chunk.
  const drop = () => {
    while (request.read() !== null);
  };
  request.on("readable", drop);
  drop();
}

/**
 * Reads the body of a request with an `Upgrade` header, which node:http leaves on the socket. `rest` is what was
 * received of the raw stream already. Both resolve at the same time.
 */
export function bodyOfUpgrade(
  request: IncomingMessage,
  socket: Socket,
  head: Uint8Array,
): { body: Promise<Uint8Array>; rest: Promise<Uint8Array> } {
  const both = takeBody(request, socket, head);
  // A handler that doesn't read the body must not leave an unhandled rejection.
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
 * Reads at least `length` bytes. Data received together with the head comes from the request, later data from the
 * socket; the request's part always comes first.
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
