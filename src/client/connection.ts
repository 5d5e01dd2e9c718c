import { isTsdError, TsdError } from "../errors.ts";
import type { EngineHost } from "./host.ts";

/** One byte stream in each direction; `Deno.Conn` is one. */
export interface Connection {
  /** Resolves to the number of bytes read, null at the end. */
  read(into: Uint8Array): Promise<number | null>;
  write(bytes: Uint8Array): Promise<number>;
  /** Ends our half; the other goes on. */
  closeWrite(): Promise<void>;
  close(): void;
}

/** Opens a connection that the caller then owns. @throws {TsdError} engine_unavailable, permission_denied */
export type Connector = () => Promise<Connection>;

/** A connector to `host`. It starts nothing: see `autostart.ts`. */
export function connectorTo(host: EngineHost): Connector {
  return async () => {
    try {
      return host.kind === "unix"
        ? await Deno.connect({ transport: "unix", path: host.path })
        : await Deno.connect({ transport: "tcp", hostname: host.hostname, port: host.port });
    } catch (thrown) {
      throw connectError(host, thrown);
    }
  };
}

/** Whether `thrown` says that nothing listens there (as opposed to: something does, but not for us). */
export function isNotListening(thrown: unknown): boolean {
  return isTsdError(thrown, "engine_unavailable");
}

function connectError(host: EngineHost, thrown: unknown): unknown {
  const attempt = `Cannot connect to the engine at ${host.text}`;
  if (thrown instanceof Deno.errors.NotFound) {
    return new TsdError("engine_unavailable", `${attempt}: there is no such socket. Is the engine running?`, {
      cause: thrown,
    });
  }
  // Reset: it was there when we came, and ended before it let us in.
  if (thrown instanceof Deno.errors.ConnectionRefused || thrown instanceof Deno.errors.ConnectionReset) {
    return new TsdError("engine_unavailable", `${attempt}: nothing listens there. Is the engine running?`, {
      cause: thrown,
    });
  }
  if (thrown instanceof Deno.errors.PermissionDenied) {
    return new TsdError(
      "permission_denied",
      `${attempt}: permission denied. Run this as root or as a member of the socket's group`,
      { cause: thrown },
    );
  }
  return thrown;
}
