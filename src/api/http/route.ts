/**
 * @module
 * Routes as data. A path is a pattern such as `/containers/{id}/json`; `{name*}` also matches slashes, for image names.
 * The table is searched in order.
 */
import type { Query } from "./query.ts";
import type { Reply } from "./reply.ts";
import type { ApiVersion } from "./version.ts";

/** A request as passed to a handler. */
export interface ApiRequest {
  /** Decoded path parameters. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: Query;
  /** API version in the path, or the newest. */
  readonly version: ApiVersion;
  /** Returns a request header, or undefined. Names are in lower case. */
  header(name: string): string | undefined;
  /**
   * Parses the whole body as JSON; undefined if it is empty.
   * @throws {TsdError} invalid_argument, payload_too_large
   */
  json(): Promise<unknown>;
  /**
   * Streams the body, for uploads.
   * @throws {TsdError} cancelled (the client has disconnected), invalid_argument (an upgrade)
   */
  upload(): AsyncIterable<Uint8Array>;
  /** Aborted when the client disconnects. */
  readonly signal: AbortSignal;
}

export type Method = "GET" | "HEAD" | "POST" | "PUT" | "DELETE";

/** An endpoint of the API. */
export interface Route {
  readonly method: Method;
  readonly path: string;
  /** The first API version that has it. */
  readonly since: ApiVersion;
  /** With this header, the request also does what another route does. Plugins authorize both. */
  readonly atOnce?: { readonly header: string; readonly route: string };
  readonly handler: (request: ApiRequest) => Reply | Promise<Reply>;
}

/** A matching route with its parameters. */
export interface Match {
  readonly route: Route;
  readonly params: Readonly<Record<string, string>>;
}

/** Finds the routes of requests. */
export class Router {
  readonly #compiled: { readonly route: Route; readonly pattern: RegExp }[];

  constructor(routes: readonly Route[]) {
    this.#compiled = routes.map((route) => ({ route, pattern: compile(route.path) }));
  }

  /**
   * Returns the first matching route; undefined if there is none.
   * @param path without the version prefix
   */
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
