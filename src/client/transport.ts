import { TsdError } from "../errors.ts";

/** What a request may carry in its query; undefined is left out, lists are repeated. */
export type QueryParams = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;

/**
 * Bytes as they come, for one reader; leaving the loop early gives the rest up. A `ReadableStream` is one too, but the first
 * of a process makes Deno load its web streams, which would cost each command 3 ms.
 */
export interface ByteSource extends AsyncIterable<Uint8Array> {
  /** Gives up what was not read. */
  cancel(): Promise<void>;
}

/** One call of the Engine API. */
export interface EngineRequest {
  readonly method: "GET" | "HEAD" | "POST" | "PUT" | "DELETE";
  /** Without version prefix; names in it are already escaped (see {@link escapeName}). */
  readonly path: string;
  readonly query?: QueryParams;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Sent as it comes, instead of a body. */
  readonly upload?: AsyncIterable<Uint8Array>;
  /** Beside those that every request has. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Of `hijack`: the connection is taken over if the engine likes, and else there is an ordinary answer. */
  readonly mayAnswer?: boolean;
  /** Called once there is a connection, before anything is sent. */
  readonly onConnected?: () => void;
  /** Closes the connection, at whatever stage the exchange is. */
  readonly signal?: AbortSignal;
  /** Longest wait for the answer's head; no limit when absent. */
  readonly timeoutMs?: number;
}

/** An answer below 400. The body must be read to its end or cancelled; that closes the connection. */
export interface EngineResponse {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: ByteSource;
}

/** A raw connection to a process's stdio. The caller owns it. */
export interface RawStream extends Disposable {
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  /** Whether stdout and stderr come in frames (see `frames.ts`) or as they are. */
  readonly multiplexed: boolean;
  readonly output: ByteSource;
  /** Resolves when the bytes are handed over. A peer that is gone makes it false. */
  write(bytes: Uint8Array): Promise<boolean>;
  /** End of input for the process; its output goes on. */
  closeWrite(): Promise<void>;
}

/** The one way to an engine; the HTTP client is one, tests have another. */
export interface EngineTransport {
  /** @throws {TsdError} with the code that the engine gave, engine_unavailable, cancelled, timeout */
  request(request: EngineRequest): Promise<EngineResponse>;
  /** Like `request`, for the calls that take the connection over. */
  hijack(request: EngineRequest): Promise<RawStream>;
}

/**
 * A name, id or reference as a part of a path. Image references keep their slashes and colons.
 * @throws {TsdError} not_found: an empty one would name another path
 */
export function escapeName(name: string): string {
  if (name.trim() === "") throw new TsdError("not_found", "invalid name or ID: value is empty");
  return encodeURIComponent(name).replaceAll("%2F", "/").replaceAll("%3A", ":").replaceAll("%40", "@");
}

/** `?a=1&b=2`, or nothing. */
export function encodeQuery(query: QueryParams = {}): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined) continue;
    if (typeof value === "boolean") params.append(name, value ? "1" : "0");
    else if (typeof value === "object") { for (const item of value) params.append(name, item); }
    else params.append(name, String(value));
  }
  const text = params.toString();
  return text === "" ? "" : `?${text}`;
}

/** The whole body as JSON. */
export async function readJson<T>(response: { readonly body: ByteSource }): Promise<T> {
  return JSON.parse(await readText(response)) as T;
}

/** The whole body as text. */
export async function readText({ body }: { readonly body: ByteSource }): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of body) text += decoder.decode(chunk, { stream: true });
  return text + decoder.decode();
}

/** Reads an answer away that says nothing, and so closes its connection. */
export async function discard({ body }: EngineResponse): Promise<void> {
  await body.cancel();
}
