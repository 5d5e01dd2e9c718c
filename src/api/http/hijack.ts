/**
 * @module
 * Takes a connection over after its HTTP head, as attach and exec do (Docker Engine API, "Hijacking"): `101 UPGRADED`
 * for clients that ask for an upgrade to tcp, `200 OK` for the others. A client's half-close ends its input only.
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
  /** Aborted when the engine is about to leave. */
  readonly leaving: AbortSignal;
  /** Notices a client that goes away while nothing is said. */
  readonly watchHangUp?: HangUpWatch | undefined;
}

/** How long a client may keep its half open after we have closed ours, in ms. */
const LINGER_MS = 2000;

/** Writes the head, runs the reply on the raw connection and closes it. `rest` is input that was read already. */
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
  // What the client sent before it went away is still wanted.
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

/** The client may keep its half open for ever; what we had to say is said. */
function endSoon(socket: Socket): void {
  socket.end();
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.on("close", () => clearTimeout(timer));
}

/**
 * Takes the socket of an ordinary request away from node:http, which would read the client's raw bytes as a further
 * request and take its half-close for the end. (After an upgrade node:http has done so itself.)
 */
export function detachFromHttp(socket: Socket & { readonly parser?: { unconsume?(): void } | null }): void {
  // The parser may read the handle by itself, past the socket's listeners (as node:http does internally after an upgrade).
  socket.parser?.unconsume?.();
  socket.removeAllListeners("data");
  socket.removeAllListeners("end");
}

/** An error on a connection that left node:http's hands before an answer was written. */
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
  // Nobody reads what the client still sends, but its end must be seen.
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
      // Reading on and dropping lets the client's end be seen.
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
