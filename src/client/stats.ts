import type { ContainerStats } from "../api_types/mod.ts";
import { jsonLines } from "./json_lines.ts";
import { type EngineTransport, escapeName } from "./transport.ts";

export interface StatsRequest {
  /** A sample a second until `signal`; otherwise the one sample that the engine compared with an earlier one. */
  readonly stream: boolean;
  readonly signal: AbortSignal;
}

/** What a container uses; ends when it is removed. @throws {TsdError} container_not_found, cancelled */
export async function* containerStats(
  engine: EngineTransport,
  id: string,
  { stream, signal }: StatsRequest,
): AsyncGenerator<ContainerStats> {
  const path = `/containers/${escapeName(id)}/stats`;
  const { body } = await engine.request({ method: "GET", path, query: { stream }, signal });
  yield* jsonLines<ContainerStats>(body);
}
