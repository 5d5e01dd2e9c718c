/**
 * HTTP/1.1 on a raw connection (RFC 9112), as far as a faulty registry needs it: a server library would refuse to send
 * wrong lengths, to stop in the middle of a body, or to answer with garbage.
 */
import { type ByteReader, chunkedBody, readHeaders } from "../harness/byte_reader.ts";
import { readAll } from "../images/bytes.ts";

export interface HttpRequest {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

const [A, Z] = [0x41, 0x5a];

/** Reads the next request; undefined if the client has closed or does not speak HTTP (such as a TLS ClientHello). */
export async function readRequest(reader: ByteReader): Promise<HttpRequest | undefined> {
  const first = await reader.peek();
  if (first === undefined || first < A || first > Z) return undefined;
  const requestLine = await reader.line();
  if (requestLine === undefined) return undefined;
  const [method = "", target = ""] = requestLine.split(" ");
  const headers = await readHeaders(reader);
  const body = headers["transfer-encoding"] === "chunked"
    ? chunkedBody(reader)
    : reader.exactly(Number(headers["content-length"] ?? 0));
  const [path = "", query = ""] = target.split("?", 2);
  return { method, path, query: new URLSearchParams(query), headers, body: await readAll(body) };
}

/** Writes all of `bytes`. */
export async function writeAll(connection: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
}

/** Encodes the status line and headers. */
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
