/**
 * @module
 * Hijacks a connection after its HTTP head for attach and exec (Docker Engine API, "Hijacking"): `101 UPGRADED` for
 * clients that request an upgrade to tcp, `200 OK` for others. A client's half-close ends its input only.
 */
import type { Socket } from "node:net";
import type { TsdError } from "../../errors.ts";
import { errorBody } from "./error_body.ts";
import type { HangUpWatch } from "./hang_up.ts";
import type { HijackedConnection, Reply } from "./reply.ts";

export interface HijackOptions {
  readonly upgraded: boolean;
  readonly headers: Readonly<Record<string, string>>;
  readonly disconnected: AbortSignal;
  /** Aborted when the engine is about to shut down. */
  readonly leaving: AbortSignal;
  /** Detects a client that disconnects while there is no output. */
  readonly watchHangUp?: HangUpWatch | undefined;
}

/** How long a client may keep its half of the connection open after ours is closed, in ms. */
const LINGER_MS = 2000;

/**
 * Writes the head, runs the reply on the raw connection and closes it.
 * @param rest input that was received already
 */
export async function hijackSocket(
  socket: Socket,
  rest: Uint8Array,
  reply: Extract<Reply, { kind: "hijack" }>,
  { upgraded, headers, disconnected, leaving, watchHangUp }: HijackOptions,
): Promise<void> {
  const lines = [
    upgraded ? "HTTP/1.1 101 UPGRADED" : "HTTP/1.1 200 OK",
    `Content-Type: ${reply.contentType}`,
    ...(upgraded ? ["Connection: Upgrade", "Upgrade: tcp"] : ["Connection: close"]),
    ...Object.entries({ ...headers, ...reply.headers }).map(([name, value]) => `${name}: ${value}`),
  ];
  socket.write(lines.join("\r\n") + "\r\n\r\n");
  // Input sent before the client disconnected is still read.
  watchHangUp?.(socket, () => socket.readableEnded ? socket.destroy() : socket.once("end", () => socket.destroy()));
  const connection: HijackedConnection = {
    input: inputOf(socket, rest),
    write: (bytes) => write(socket, bytes, disconnected),
    disconnected,
    leaving,
    endOutput: () => void socket.end(),
  };
  try {
    await reply.run(connection);
  } finally {
    if (!socket.destroyed) endSoon(socket);
  }
}

/** Closes our half; the connection is destroyed if the client keeps its half open. */
function endSoon(socket: Socket): void {
  socket.end();
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.on("close", () => clearTimeout(timer));
}

/**
 * Detaches the socket of an ordinary request from node:http, which would parse the client's raw bytes as another
 * request and take its half-close as the end. (After an upgrade node:http has done so itself.)
 */
export function detachFromHttp(socket: Socket & { readonly parser?: { unconsume?(): void } | null }): void {
  // The parser may read the handle directly, bypassing the socket's listeners, as node:http does internally.
  socket.parser?.unconsume?.();
  socket.removeAllListeners("data");
  socket.removeAllListeners("end");
}

/** Writes an error response to a connection that node:http no longer handles. */
export function writeRawError(socket: Socket, error: TsdError, headers: Readonly<Record<string, string>>): void {
  if (socket.destroyed) return;
  const body = new TextEncoder().encode(errorBody(error));
  const lines = [
    `HTTP/1.1 ${error.meaning.http} ${error.code}`,
    "Content-Type: application/json",
    `Content-Length: ${body.length}`,
    `Tsd-Error-Code: ${error.code}`,
    "Connection: close",
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
  ];
  socket.write(lines.join("\r\n") + "\r\n\r\n");
  socket.write(body);
  // Drains further input, so that the client's end is noticed.
  socket.resume();
  endSoon(socket);
}

function inputOf(socket: Socket, rest: Uint8Array): ReadableStream<Uint8Array> {
  let open = true;
  socket.pause();
  return new ReadableStream<Uint8Array>({
    start(controller) {
      if (rest.length > 0) controller.enqueue(rest);
      const end = () => {
        if (open) controller.close();
        open = false;
      };
      socket.on("data", (chunk: Uint8Array) => {
        if (!open) return;
        controller.enqueue(new Uint8Array(chunk));
        if ((controller.desiredSize ?? 0) <= 0) socket.pause();
      });
      socket.on("end", end);
      socket.on("close", end);
    },
    pull() {
      socket.resume();
    },
    cancel() {
      // Continue to read and drop data, so that the client's end is noticed.
      open = false;
      socket.resume();
    },
  }, { highWaterMark: 1 });
}

function write(socket: Socket, bytes: Uint8Array, disconnected: AbortSignal): Promise<void> {
  if (disconnected.aborted || socket.destroyed || socket.writableEnded) return Promise.resolve();
  if (socket.write(bytes)) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      socket.off("drain", done);
      disconnected.removeEventListener("abort", done);
      resolve();
    };
    socket.on("drain", done);
    disconnected.addEventListener("abort", done);
  });
}
