/**
 * @module
 * The types of the Docker Engine API, version 1.50, as plain interfaces with Docker's exact JSON names (source: the
 * Engine API 1.50 reference). Types only: no parsing, no defaults, no behaviour; both the engine and the client import
 * them. An optional field may be absent from a request or, where Go marshals a nil slice or map, be null; responses
 * have `[]` and `{}` unless the field is marked `| null`.
 */

export type * from "./container.ts";
export type * from "./error.ts";
export type * from "./exec.ts";
export type * from "./host_config.ts";
export type * from "./image.ts";
export type * from "./network.ts";
export type * from "./plugins.ts";
export type * from "./prune.ts";
export type * from "./stats.ts";
export type * from "./system.ts";
export type * from "./volume.ts";
