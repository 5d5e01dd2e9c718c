/**
 * @module
 * Routes for the streams of a container: attaching by a raw connection, and resizing the terminal.
 */
import { refuseRestarting } from "../../engine/model/container.ts";
import { attachStreams } from "../../engine/streams.ts";
import { TsdError } from "../../errors.ts";
import { parseDetachKeys } from "../../io/detach_keys.ts";
import type { TerminalSize } from "../../runtime/stdio.ts";
import type { Query } from "../http/query.ts";
import { empty, type Reply } from "../http/reply.ts";
import type { ApiRequest } from "../http/route.ts";
import { atLeast } from "../http/version.ts";
import type { Engine } from "../../engine/mod.ts";
import { parseCondition, START_TOO, startAttached } from "./attach_and_start.ts";
import { logChunks } from "./log_chunks.ts";

const RAW = "application/vnd.docker.raw-stream";

/** Returns the media type of a stream, framed or not. Clients before API 1.42 get the type of raw streams for both. */
export function streamType({ version }: Pick<ApiRequest, "version">, framed: boolean): string {
  return framed && atLeast(version, "1.42") ? "application/vnd.docker.multiplexed-stream" : RAW;
}

/**
 * Parses `h` and `w` of a resize request, in characters.
 * @throws {TsdError} invalid_argument
 */
export function requestedSize({ query }: Pick<ApiRequest, "query">): TerminalSize {
  return { rows: length(query, "h", "height"), columns: length(query, "w", "width") };
}

function length(query: Query, name: string, word: string): number {
  const text = query.text(name) ?? "";
  if (/^\d+$/.test(text) && Number(text) <= LARGEST_SIZE) return Number(text);
  const why = /^\d+$/.test(text) ? "value out of range" : "invalid syntax";
  throw new TsdError("invalid_argument", `invalid resize ${word} ${JSON.stringify(text)}: ${why}`);
}

/** The kernel's limit, in characters. */
const LARGEST_SIZE = 0xffff;

/** `POST /containers/{id}/resize?h=&w=` */
export function resizeContainer(
  { containers: { service: containers, table }, events: { containers: containerEvents } }: Engine,
  request: ApiRequest,
): Reply {
  const size = requestedSize(request);
  const container = table.find(request.params.id);
  if (!container.isRunning) throw new TsdError("not_running", `container ${container.id} is not running`);
  containers.io(container).resize(size);
  const attributes = { height: String(size.rows), width: String(size.columns) };
  containerEvents.emit(container, "resize", { attributes });
  return empty(200);
}

/** `POST /containers/{id}/attach?stream=&stdin=&stdout=&stderr=&logs=&detachKeys=` */
export async function attachContainer(engine: Engine, request: ApiRequest): Promise<Reply> {
  const { containers: { service: containers, table, logs }, events: { containers: containerEvents } } = engine;
  const { query, params } = request;
  const container = table.find(params.id);
  if (container.isPaused) {
    throw new TsdError("conflict", `container ${params.id} is paused, unpause the container before attach`);
  }
  refuseRestarting(container, params.id);
  const { OpenStdin: openStdin = false, StdinOnce: stdinOnce = false, Tty: tty = false } = container.record.config;
  const detachKeys = parseDetachKeys(query.text("detachKeys") ?? "");
  const selection = { stdout: query.flag("stdout"), stderr: query.flag("stderr") };
  const stdin = query.flag("stdin") && openStdin;
  if (!query.flag("stream") && !query.flag("logs")) {
    throw new TsdError("invalid_argument", "Bad parameters: you must choose stream or logs");
  }
  const contentType = streamType(request, !tty);
  const condition = request.header(START_TOO);
  if (condition !== undefined && !tty) {
    const awaited = parseCondition(condition);
    if (query.flag("logs") || !query.flag("stream")) {
      throw new TsdError("invalid_argument", "A container that is started has no earlier output: stream=1 and no logs");
    }
    containerEvents.emit(container, "attach");
    const options = { ...selection, stdin, closeStdin: stdinOnce, framed: true };
    const started = await startAttached(engine, request, container, awaited, options);
    return { kind: "hijack", contentType, ...started };
  }
  // Before the head goes out: who has it is told of, whatever becomes of this engine.
  containerEvents.emit(container, "attach");
  return {
    kind: "hijack",
    contentType,
    async run(connection) {
      const earlier = query.flag("logs") && (selection.stdout || selection.stderr)
        ? logChunks(
          await logs.read(container.id, { ...selection, follow: false, signal: connection.disconnected }),
          { timestamps: false, details: false, multiplexed: !tty },
        )
        : undefined;
      if (!query.flag("stream")) {
        for await (const chunk of earlier ?? []) await connection.write(chunk);
        return;
      }
      const end = await attachStreams(containers.io(container), connection, {
        ...selection,
        stdin,
        closeStdin: stdinOnce,
        framed: !tty,
        detachKeys,
        ...(earlier === undefined ? {} : { before: earlier }),
      });
      if (end === "detached") containerEvents.emit(container, "detach");
    },
  };
}
