/**
 * @module
 * A client of the Docker Engine API (version 1.50) over a unix socket or loopback TCP, in plain HTTP/1.1. It speaks to any
 * engine of that API, and knows two things of tsd's own: the header that names error codes, and how an engine is started
 * on demand. It refuses TCP beyond this machine, redirects and compression. It uses neither `fetch` (no hijacking) nor
 * `node:http` (slow to load). Invariants: one connection a request; nothing is buffered whole but small JSON.
 */

export { autostarting, type AutostartOptions, type EngineLauncher, type StartedEngine } from "./autostart.ts";
export { type Connection, type Connector, connectorTo } from "./connection.ts";
export * from "./container_files.ts";
export * from "./container_steps.ts";
export * from "./containers.ts";
export { API_VERSION, EngineClient } from "./engine_client.ts";
export * from "./events.ts";
export * from "./execs.ts";
export { encodeFilters, type ListFilters } from "./filters.ts";
export { deliver, FrameParser, type FramePiece, type FrameStream, type OutputSinks } from "./frames.ts";
export { chooseHost, DEFAULT_SOCKET, type EngineHost, type HostSources, parseHost } from "./host.ts";
export * from "./images.ts";
export * from "./prune.ts";
export { jsonLines } from "./json_lines.ts";
export * from "./stats.ts";
export * from "./system.ts";
export type { EngineRequest, EngineResponse, EngineTransport, QueryParams, RawStream } from "./transport.ts";
