/**
 * @module
 * The streams of a container: attach, a raw connection.
 */
import { refuseRestarting } from "../../engine/containers/container.ts";
import { attachStreams } from "../../engine/streams.ts";
import { TsdError } from "../../errors.ts";
import type { Reply } from "../http/reply.ts";
import type { ApiRequest } from "../http/route.ts";
import { atLeast } from "../http/version.ts";
import type { Services } from "../services.ts";
import { logChunks } from "./log_chunks.ts";

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
  refuseRestarting(container, params.id);
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
        ? logChunks(
          await logs.read(container.id, { ...selection, follow: false, signal: connection.gone }),
          { timestamps: false, details: false, multiplexed: !(container.record.config.Tty ?? false) },
        )
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
