/**
 * @module
 * Routes are data. A path is a pattern such as `/containers/{id}/json`; `{name*}` also matches slashes, as image names
 * need. The table is searched in order.
 */
import type { Query } from "./query.ts";
import type { Reply } from "./reply.ts";
import type { ApiVersion } from "./version.ts";

/** What a handler is given. */
export interface ApiRequest {
  /** Path parameters, decoded. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: Query;
  /** The version in the path, or the newest. */
  readonly version: ApiVersion;
  /** A request header, or undefined. Names in lower case. */
  header(name: string): string | undefined;
  /** The whole body as JSON; an empty body is `undefined`. @throws {TsdError} invalid_argument, payload_too_large */
  json(): Promise<unknown>;
  /** The body as it comes, for uploads. @throws {TsdError} cancelled (the client has gone), invalid_argument (an upgrade) */
  upload(): AsyncIterable<Uint8Array>;
  /** Aborted when the client is gone. */
  readonly signal: AbortSignal;
}

export type Method = "GET" | "HEAD" | "POST" | "PUT" | "DELETE";

/** One row of the API. */
export interface Route {
  readonly method: Method;
  readonly path: string;
  /** The first API version that has it. */
  readonly since: ApiVersion;
  /** A request with this header also does what another route does. Plugins are asked about both. */
  readonly atOnce?: { readonly header: string; readonly route: string };
  readonly handler: (request: ApiRequest) => Reply | Promise<Reply>;
}

/** A route that fits, with its parameters. */
export interface Match {
  readonly route: Route;
  readonly params: Readonly<Record<string, string>>;
}

/** Finds routes; compiled once. */
export class Router {
  readonly #compiled: { readonly route: Route; readonly pattern: RegExp }[];

  constructor(routes: readonly Route[]) {
    this.#compiled = routes.map((route) => ({ route, pattern: compile(route.path) }));
  }

  /** `path` comes without its version prefix. Undefined where nothing fits. */
  find(method: string, path: string): Match | undefined {
    for (const { route, pattern } of this.#compiled) {
      if (route.method !== method) continue;
      const groups = pattern.exec(path)?.groups;
      if (groups === undefined) continue;
      const params = decodeAll(groups);
      return params === undefined ? undefined : { route, params };
    }
    return undefined;
  }
}

function compile(path: string): RegExp {
  const source = path.replace(/\{(\w+)(\*?)\}/g, (_, name, deep) => `(?<${name}>${deep ? ".+" : "[^/]+"})`);
  // The empty group makes `groups` exist for paths without parameters.
  return new RegExp(`^${source}(?<_>)$`);
}

function decodeAll(groups: Record<string, string>): Record<string, string> | undefined {
  try {
    return Object.fromEntries(Object.entries(groups).map(([name, value]) => [name, decodeURIComponent(value)]));
  } catch (thrown) {
    if (thrown instanceof URIError) return undefined;
    throw thrown;
  }
}
