/**
 * @module
 * The streams of a container: attach (a raw connection) and logs.
 */
import type { LogRecord } from "../../engine/containers/log_reader.ts";
import { attachStreams, frame } from "../../engine/streams.ts";
import { TsdError } from "../../errors.ts";
import type { Reply } from "../http/reply.ts";
import type { ApiRequest } from "../http/route.ts";
import { atLeast } from "../http/version.ts";
import type { Services } from "../services.ts";
import { timestamp } from "../views/container_view.ts";

/** What a multiplexed stream is called; older clients were told that it is a raw one (API 1.42). */
export function streamType({ version }: Pick<ApiRequest, "version">): string {
  return atLeast(version, "1.42") ? "application/vnd.docker.multiplexed-stream" : "application/vnd.docker.raw-stream";
}

/** `POST /containers/{id}/attach?stream=&stdin=&stdout=&stderr=&logs=` */
export function attachContainer(services: Services, request: ApiRequest): Reply {
  const { containers, table, logs, containerEvents } = services;
  const { query, params } = request;
  const container = table.find(params.id);
  if (container.isPaused) {
    throw new TsdError("conflict", `container ${params.id} is paused, unpause the container before attach`);
  }
  const { OpenStdin: openStdin = false, StdinOnce: stdinOnce = false } = container.record.config;
  const selection = { stdout: query.flag("stdout"), stderr: query.flag("stderr") };
  const stdin = query.flag("stdin") && openStdin;
  if (!query.flag("stream") && !query.flag("logs")) {
    throw new TsdError("invalid_argument", "Bad parameters: you must choose stream or logs");
  }
  return {
    kind: "hijack",
    contentType: streamType(request),
    async run(connection) {
      const earlier = query.flag("logs") && (selection.stdout || selection.stderr)
        ? framed(await logs.read(container.id, { ...selection, follow: false, signal: connection.gone }), false)
        : undefined;
      containerEvents.tell(container, "attach");
      if (!query.flag("stream")) {
        for await (const chunk of earlier ?? []) await connection.write(chunk);
        return;
      }
      await attachStreams(containers.io(container), connection, {
        ...selection,
        stdin,
        closeStdin: stdinOnce,
        ...(earlier === undefined ? {} : { before: earlier }),
      });
    },
  };
}

/** `GET /containers/{id}/logs` */
export async function containerLogs({ logs }: Services, request: ApiRequest): Promise<Reply> {
  const { query, params, signal } = request;
  const records = await logs.read(params.id, {
    stdout: query.flag("stdout"),
    stderr: query.flag("stderr"),
    follow: query.flag("follow"),
    since: moment(query.text("since")),
    until: moment(query.text("until")),
    tail: tail(query.text("tail")),
    signal,
  });
  return { kind: "stream", contentType: streamType(request), body: framed(records, query.flag("timestamps")) };
}

async function* framed(records: AsyncIterable<LogRecord>, timestamps: boolean): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder();
  for await (const { stream, log, time } of records) {
    yield frame(stream, encoder.encode(timestamps ? `${time} ${log}` : log));
  }
}

/** `all`, nothing, or a number; Docker takes what is no number for all. */
function tail(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}

/** Seconds since 1970, with up to nine decimals, as RFC 3339; 0 is no bound. */
function moment(text: string | undefined): string | undefined {
  if (text === undefined || text === "0") return undefined;
  const match = /^(\d+)(?:\.(\d{1,9}))?$/.exec(text);
  if (match === null) throw new TsdError("invalid_argument", `invalid timestamp: ${JSON.stringify(text)}`);
  const whole = timestamp(Number(match[1]) * 1000);
  return `${whole.slice(0, -10)}${(match[2] ?? "").padEnd(9, "0")}Z`;
}
