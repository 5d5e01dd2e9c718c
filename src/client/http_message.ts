/**
 * The part of HTTP/1.1 (RFC 9112) that talking to one engine takes: heads, and bodies of fixed length, chunked, or up to
 * the end of the connection. No redirects, no pipelining, no compression.
 */
import { TsdError } from "../errors.ts";
import { type ByteReader, connectionLost } from "./byte_reader.ts";

const MAX_HEAD_BYTES = 64 * 1024;
const MAX_READ_BYTES = 1 << 20;
const ENCODER = new TextEncoder();

/** Status and headers of an answer; names in lower case. */
export interface ResponseHead {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
}

/** A request's bytes: with the whole body when that is JSON (undefined: none), and before one in chunks. */
export function encodeRequest(
  method: string,
  target: string,
  headers: Readonly<Record<string, string>>,
  body: { readonly json: unknown } | "chunked",
): Uint8Array {
  const json = body === "chunked" ? undefined : body.json;
  const content = json === undefined ? "" : JSON.stringify(json);
  const lines = [`${method} ${target} HTTP/1.1`];
  for (const [name, value] of Object.entries(headers)) lines.push(`${name}: ${value}`);
  if (json !== undefined) lines.push("Content-Type: application/json");
  if (body === "chunked") lines.push("Transfer-Encoding: chunked");
  else if (method !== "GET" && method !== "HEAD") lines.push(`Content-Length: ${ENCODER.encode(content).length}`);
  const head = lines.join("\r\n");
  if (/[\r\n\0]/.test(lines.join(""))) {
    throw new TsdError("invalid_argument", "Cannot send a request with a line break");
  }
  return ENCODER.encode(`${head}\r\n\r\n${content}`);
}

/** Reads a head; interim answers (1xx, but not 101) are skipped. @throws {TsdError} engine_unavailable */
export async function readHead(reader: ByteReader): Promise<ResponseHead> {
  while (true) {
    const statusLine = await reader.line(MAX_HEAD_BYTES);
    const match = /^HTTP\/1\.[01] (\d{3})/.exec(statusLine);
    if (match === null) {
      throw new TsdError(
        "engine_unavailable",
        `What listens there is no engine: it said ${JSON.stringify(statusLine.slice(0, 60))}`,
      );
    }
    const status = Number(match[1]);
    const headers = await readHeaders(reader);
    if (status === 101 || status >= 200) return { status, headers };
  }
}

async function readHeaders(reader: ByteReader): Promise<Map<string, string>> {
  const headers = new Map<string, string>();
  let total = 0;
  while (true) {
    const line = await reader.line(MAX_HEAD_BYTES);
    if (line === "") return headers;
    total += line.length;
    if (total > MAX_HEAD_BYTES) throw new TsdError("engine_unavailable", "The engine's answer has endless headers");
    const colon = line.indexOf(":");
    if (colon > 0) headers.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
  }
}

/** Gives the next piece of a body, undefined at its end. @throws {TsdError} engine_unavailable when it is cut off */
export type NextChunk = () => Promise<Uint8Array | undefined>;

/** How the body behind `head` is read. */
export function bodyOf(reader: ByteReader, method: string, { status, headers }: ResponseHead): NextChunk {
  if (method === "HEAD" || status === 204 || status === 304) return () => Promise.resolve(undefined);
  if (headers.get("transfer-encoding")?.toLowerCase() === "chunked") return chunked(reader);
  const length = headers.get("content-length");
  if (length !== undefined) return fixed(reader, Number(length));
  return () => reader.some(MAX_READ_BYTES);
}

function fixed(reader: ByteReader, length: number): NextChunk {
  if (!Number.isSafeInteger(length) || length < 0) {
    throw new TsdError("engine_unavailable", "The engine's answer has a bad Content-Length");
  }
  let left = length;
  return async () => {
    if (left === 0) return undefined;
    const chunk = await reader.some(Math.min(left, MAX_READ_BYTES));
    if (chunk === undefined) throw connectionLost();
    left -= chunk.length;
    return chunk;
  };
}

function chunked(reader: ByteReader): NextChunk {
  let left = 0;
  let first = true;
  let over = false;
  return async () => {
    if (over) return undefined;
    if (left === 0) {
      if (!first && (await reader.line(2)) !== "") throw badChunk();
      first = false;
      left = chunkSize(await reader.line(1024));
      if (left === 0) {
        await readHeaders(reader);
        over = true;
        return undefined;
      }
    }
    const chunk = await reader.some(Math.min(left, MAX_READ_BYTES));
    if (chunk === undefined) throw connectionLost();
    left -= chunk.length;
    return chunk;
  };
}

function chunkSize(line: string): number {
  const match = /^([0-9a-fA-F]{1,12})\s*(?:;|$)/.exec(line);
  if (match === null) throw badChunk();
  return parseInt(match[1]!, 16);
}

const badChunk = () => new TsdError("engine_unavailable", "The engine's answer is not HTTP: a chunk is malformed");
