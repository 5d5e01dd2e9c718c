/**
 * HTTP/1.1 on a bare connection (RFC 9112), as much as a misbehaving registry needs: a server library would refuse to send
 * wrong lengths, stop in the middle of a body, or answer with garbage.
 */
import { concat, readAll } from "../images/bytes.ts";

export interface HttpRequest {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

const LARGEST_HEAD_BYTES = 64 * 1024;
const HEAD_END = new Uint8Array([13, 10, 13, 10]);

/** Reads requests one after the other. */
export class RequestReader {
  readonly #connection: Deno.Conn;
  #buffered: Uint8Array = new Uint8Array();

  constructor(connection: Deno.Conn) {
    this.#connection = connection;
  }

  /** The next request, or nothing when the client has closed. */
  async next(): Promise<HttpRequest | undefined> {
    let end = indexOf(this.#buffered, HEAD_END);
    while (end < 0) {
      if (this.#buffered.length > LARGEST_HEAD_BYTES || !await this.#fill()) return undefined;
      end = indexOf(this.#buffered, HEAD_END);
    }
    const [requestLine = "", ...lines] = new TextDecoder().decode(this.#take(end + 4)).trimEnd().split("\r\n");
    const [method = "", target = ""] = requestLine.split(" ");
    const headers = Object.fromEntries(lines.map((line) => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }));
    const [path = "", query = ""] = target.split("?", 2);
    return { method, path, query: new URLSearchParams(query), headers, body: await readAll(this.#body(headers)) };
  }

  async *#body(headers: Readonly<Record<string, string>>): AsyncIterable<Uint8Array> {
    if (headers["transfer-encoding"] !== "chunked") return yield* this.#bytes(Number(headers["content-length"] ?? 0));
    while (true) {
      const sizeBytes = parseInt(await this.#line(), 16);
      yield* this.#bytes(sizeBytes);
      await this.#line();
      if (sizeBytes === 0) return;
    }
  }

  async *#bytes(count: number): AsyncIterable<Uint8Array> {
    for (let left = count; left > 0;) {
      if (this.#buffered.length === 0 && !await this.#fill()) return;
      const part = this.#take(left);
      left -= part.length;
      yield part;
    }
  }

  async #line(): Promise<string> {
    let end = this.#buffered.indexOf(10);
    while (end < 0 && await this.#fill()) end = this.#buffered.indexOf(10);
    return new TextDecoder().decode(this.#take(end + 1)).trim();
  }

  #take(count: number): Uint8Array {
    const part = this.#buffered.subarray(0, count);
    this.#buffered = this.#buffered.subarray(count);
    return part;
  }

  async #fill(): Promise<boolean> {
    const chunk = new Uint8Array(16 * 1024);
    const count = await this.#connection.read(chunk);
    if (count === null) return false;
    this.#buffered = concat([this.#buffered, chunk.subarray(0, count)]);
    return true;
  }
}

/** Writes all of `bytes`. */
export async function writeAll(connection: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
}

/** Status line and headers. */
export function encodeHead(status: number, headers: Readonly<Record<string, string>>): Uint8Array {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return new TextEncoder().encode(`HTTP/1.1 ${status} ${REASONS[status] ?? "Status"}\r\n${lines.join("")}\r\n`);
}

const REASONS: Readonly<Record<number, string>> = {
  ...{ 200: "OK", 206: "Partial Content", 307: "Temporary Redirect", 401: "Unauthorized", 404: "Not Found" },
  ...{
    416: "Range Not Satisfiable",
    429: "Too Many Requests",
    500: "Internal Server Error",
    503: "Service Unavailable",
  },
};

function indexOf(bytes: Uint8Array, wanted: Uint8Array): number {
  for (let at = bytes.indexOf(wanted[0]!); at >= 0; at = bytes.indexOf(wanted[0]!, at + 1)) {
    if (wanted.every((byte, offset) => bytes[at + offset] === byte)) return at;
  }
  return -1;
}
