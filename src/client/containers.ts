import type {
  ContainerCreateRequest,
  ContainerCreateResponse,
  ContainerInspect,
  ContainerSummary,
  ContainerWaitResponse,
  WaitCondition,
} from "../api_types/mod.ts";
import { encodeFilters, type ListFilters } from "./filters.ts";
import {
  discard,
  type EngineResponse,
  type EngineTransport,
  escapeName,
  type QueryParams,
  type RawStream,
  readJson,
} from "./transport.ts";

const path = (id: string, action: string) => `/containers/${escapeName(id)}${action}`;

export async function listContainers(
  engine: EngineTransport,
  { all, limit, size, filters = {} }: { all?: boolean; limit?: number; size?: boolean; filters?: ListFilters } = {},
): Promise<ContainerSummary[]> {
  const query = { all, limit, ...(size && { size }), filters: encodeFilters(filters) };
  return await readJson(await engine.request({ method: "GET", path: "/containers/json", query }));
}

export async function inspectContainer(
  engine: EngineTransport,
  id: string,
  { size }: { size?: boolean } = {},
): Promise<ContainerInspect> {
  const query = size ? { size } : {};
  return await readJson(await engine.request({ method: "GET", path: path(id, "/json"), query }));
}

/** @throws {TsdError} image_not_found (pull it), name_in_use, and what the engine can't do */
export async function createContainer(
  engine: EngineTransport,
  body: ContainerCreateRequest,
  { name, platform }: { name?: string | undefined; platform?: string | undefined } = {},
): Promise<ContainerCreateResponse> {
  const query = { name, platform };
  return await readJson(await engine.request({ method: "POST", path: "/containers/create", query, body }));
}

/** Starts a container; one that runs already is left alone. */
export async function startContainer(engine: EngineTransport, id: string): Promise<void> {
  await discard(await engine.request({ method: "POST", path: path(id, "/start") }));
}

/** Sends the stop signal, and after the time limit SIGKILL; one that is stopped already is left alone. */
export async function stopContainer(
  engine: EngineTransport,
  id: string,
  { timeoutSeconds, signal }: { timeoutSeconds?: number | undefined; signal?: string | undefined } = {},
): Promise<void> {
  const query = { t: timeoutSeconds, signal };
  await discard(await engine.request({ method: "POST", path: path(id, "/stop"), query }));
}

/** Sends a signal by name or number. */
export async function killContainer(engine: EngineTransport, id: string, signal?: string): Promise<void> {
  await discard(await engine.request({ method: "POST", path: path(id, "/kill"), query: { signal } }));
}

export async function removeContainer(
  engine: EngineTransport,
  id: string,
  { force, volumes }: { force?: boolean; volumes?: boolean } = {},
): Promise<void> {
  await discard(await engine.request({ method: "DELETE", path: path(id, ""), query: { force, v: volumes } }));
}

/** A container that is being waited for. */
export interface PendingExit {
  /** Resolves when the condition holds. */
  result(): Promise<ContainerWaitResponse>;
  cancel(): Promise<void>;
}

/** Returns as soon as the engine watches, so that a start after it can't be missed. */
export async function waitContainer(
  engine: EngineTransport,
  id: string,
  condition: WaitCondition = "not-running",
): Promise<PendingExit> {
  const response = await engine.request({ method: "POST", path: path(id, "/wait"), query: { condition } });
  return { result: () => readJson(response), cancel: () => discard(response) };
}

export interface AttachOptions {
  readonly stdin?: boolean;
  readonly stdout?: boolean;
  readonly stderr?: boolean;
  /** Replays what was logged before. */
  readonly logs?: boolean;
  readonly detachKeys?: string | undefined;
}

/** Attaches to a container, which need not be started yet. */
export function attachContainer(engine: EngineTransport, id: string, options: AttachOptions): Promise<RawStream> {
  return engine.hijack({ method: "POST", path: path(id, "/attach"), query: { stream: true, ...options } });
}

/**
 * Attaches to a container without a terminal and starts it, at once where the engine can (tsd's own): the stream tells the
 * exit code then. Other engines have attached only.
 */
export async function attachAndStart(
  engine: EngineTransport,
  id: string,
  condition: WaitCondition,
  options: AttachOptions,
): Promise<{ readonly stream: RawStream; readonly isStarted: boolean }> {
  const [query, headers] = [{ stream: true, ...options }, { "Tsd-Start": condition }];
  const stream = await engine.hijack({ method: "POST", path: path(id, "/attach"), query, headers });
  return { stream, isStarted: stream.headers.has("tsd-started") };
}

/** Query of `GET /containers/{id}/logs`; times are seconds since 1970, with a fraction where needed. */
export interface LogsOptions {
  readonly follow?: boolean;
  readonly stdout?: boolean;
  readonly stderr?: boolean;
  readonly since?: string | undefined;
  readonly until?: string | undefined;
  readonly timestamps?: boolean;
  readonly tail?: string | undefined;
  readonly details?: boolean;
}

/** The log; whether it is multiplexed stands in the answer's `content-type`. */
export function containerLogs(
  engine: EngineTransport,
  id: string,
  options: LogsOptions,
  headers: Readonly<Record<string, string>> = {},
): Promise<EngineResponse> {
  const query = { ...options } satisfies QueryParams;
  return engine.request({ method: "GET", path: path(id, "/logs"), query, headers });
}

/** Removes what a container has logged so far. tsd's own: other engines answer that there is no such page. */
export async function clearLogs(engine: EngineTransport, id: string): Promise<void> {
  await discard(await engine.request({ method: "POST", path: `/tsd${path(id, "/logs/clear")}` }));
}

/** Tells a terminal's size, in characters. */
export async function resizeContainer(
  engine: EngineTransport,
  id: string,
  rows: number,
  columns: number,
): Promise<void> {
  const query = { h: rows, w: columns };
  await discard(await engine.request({ method: "POST", path: path(id, "/resize"), query }));
}
