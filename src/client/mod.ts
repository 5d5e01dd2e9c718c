/**
 * @module
 * A client of the Docker Engine API (version 1.50) over a unix socket or loopback TCP, in plain HTTP/1.1. It speaks to any
 * engine of that API, and knows two things of tsd's own: the header that names error codes, and how an engine is started
 * on demand. It refuses TCP beyond this machine, redirects and compression. It uses neither `fetch` (no hijacking) nor
 * `node:http` (slow to load). Invariants: one connection a request; nothing is buffered whole but small JSON.
 */

export { type Connection, type Connector, connectorTo } from "./connection.ts";
export * from "./client.ts";
export * from "./container.ts";
export * from "./containers.ts";
export type { EventsOptions, ReceivedEvent } from "./events.ts";
export * from "./exec.ts";
export type { ExecOptions } from "./exec_in_container.ts";
export type { ListFilters } from "./filters.ts";
export type { OutputSinks } from "./frames.ts";
export { chooseHost, DEFAULT_SOCKET, type EngineHost, hostHeader, type HostSources, parseHost } from "./host.ts";
export { API_VERSION, HttpTransport } from "./http_transport.ts";
export * from "./image.ts";
export * from "./images.ts";
export type { LogLine, LogsOptions } from "./logs.ts";
export * from "./networks.ts";
export * from "./plugins.ts";
export type { ProcessInput, ProcessIoOptions } from "./process_io.ts";
export type { ProgressListener } from "./progress.ts";
export type { CallOptions } from "./resource.ts";
export type { RunOptions, RunResult } from "./run.ts";
export * from "./system.ts";
export type { Timestamp } from "./timestamp.ts";
export type { EngineRequest, EngineResponse, EngineTransport, QueryParams, RawStream } from "./transport.ts";
export * from "./volumes.ts";
