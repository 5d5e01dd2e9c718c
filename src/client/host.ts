import { TsdError } from "../errors.ts";

/** The socket of the engine that everybody shares, and the only one that starts an engine by itself. */
export const DEFAULT_SOCKET = "/run/tsd/tsd.sock";

/** Where an engine listens. `text` is the address as a user would write it. */
export type EngineHost =
  | { readonly kind: "unix"; readonly path: string; readonly text: string; readonly isDefault: boolean }
  | {
    readonly kind: "tcp";
    readonly hostname: string;
    readonly port: number;
    readonly text: string;
    readonly isDefault: false;
  };

/** Where the address may come from, in this order. */
export interface HostSources {
  /** The value of `-H`. */
  readonly flag?: string | undefined;
  env(name: string): string | undefined;
}

/** `-H`, else `TSD_HOST`, else `DOCKER_HOST`, else the default socket. @throws {TsdError} usage */
export function chooseHost({ flag, env }: HostSources): EngineHost {
  return parseHost(flag || env("TSD_HOST") || env("DOCKER_HOST") || `unix://${DEFAULT_SOCKET}`);
}

/**
 * Reads `unix:///path` (or a bare absolute path) or `tcp://127.0.0.1:port`. Plain TCP beyond this machine is refused: it
 * would hand root on the other machine to whoever can listen in. @throws {TsdError} usage
 */
export function parseHost(text: string): EngineHost {
  if (text.startsWith("unix://") || text.startsWith("/")) return unixHost(text, text.replace(/^unix:\/\//, ""));
  const tcp = /^(?:tcp|http):\/\/(\[[0-9a-fA-F:]+\]|[^:/[\]]+):(\d{1,5})\/?$/.exec(text);
  if (tcp === null) {
    throw new TsdError("usage", `Bad engine address "${text}": give unix:///path/to.sock or tcp://127.0.0.1:PORT`);
  }
  const hostname = tcp[1]!.replace(/^\[|\]$/g, "");
  const port = Number(tcp[2]);
  if (!isLoopback(hostname)) {
    throw new TsdError(
      "usage",
      `Cannot use the engine at ${text}: TCP without TLS is refused beyond this machine (127.0.0.1, ::1, localhost)`,
    );
  }
  if (port < 1 || port > 65535) throw new TsdError("usage", `Bad engine address "${text}": no such port`);
  return { kind: "tcp", hostname, port, text, isDefault: false };
}

/** Returns the `Host` header for an engine: an engine on TCP refuses names that aren't its address. */
export function hostHeader(host: EngineHost): string | undefined {
  if (host.kind === "unix") return undefined;
  return host.hostname.includes(":") ? `[${host.hostname}]:${host.port}` : `${host.hostname}:${host.port}`;
}

function unixHost(text: string, path: string): EngineHost {
  if (!path.startsWith("/")) {
    throw new TsdError("usage", `Bad engine address "${text}": the socket's path must be absolute`);
  }
  return { kind: "unix", path, text: `unix://${path}`, isDefault: path === DEFAULT_SOCKET };
}

const isLoopback = (hostname: string): boolean =>
  hostname === "localhost" || hostname === "::1" || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(hostname);
