/**
 * @module
 * What a service manager is told of the engine (sd_notify(3)). An engine that no service manager started tells nobody.
 */
import { toTsdError } from "../../errors.ts";
import type { Log } from "../../log.ts";
import { monotonicMicros, type UnixPeerCalls } from "../../sys/mod.ts";

/** The environment variable that names the service manager's socket. A re-executed engine needs it again. */
export const NOTIFY_SOCKET = "NOTIFY_SOCKET";

export interface ServiceNotifierDeps {
  /** The value of {@link NOTIFY_SOCKET}. */
  readonly socket: string | undefined;
  readonly peers: Pick<UnixPeerCalls, "sendDatagram">;
  readonly log: Log;
  /** CLOCK_MONOTONIC in microseconds. */
  readonly now?: () => bigint;
}

/** See the module's comment. A message that can't be sent is logged and does no harm. */
export class ServiceNotifier {
  readonly #deps: ServiceNotifierDeps;

  constructor(deps: ServiceNotifierDeps) {
    this.#deps = deps;
  }

  /** The engine serves; also to be said after a re-execution. `status` is one line for `systemctl status`. */
  ready(status: string): void {
    this.#tell({ READY: "1", STATUS: status, MAINPID: String(Deno.pid) });
  }

  /** It is about to execute itself anew. */
  reloading(): void {
    const { now = monotonicMicros } = this.#deps;
    this.#tell({ RELOADING: "1", MONOTONIC_USEC: String(now()), STATUS: "re-executing" });
  }

  /** It is on its way out. */
  stopping(): void {
    this.#tell({ STOPPING: "1", STATUS: "stopping" });
  }

  #tell(info: Readonly<Record<string, string>>): void {
    const { socket, peers, log } = this.#deps;
    if (socket === undefined || socket === "") return;
    const lines = Object.entries(info).map(([name, value]) => `${name}=${value.replaceAll("\n", " ")}`);
    try {
      peers.sendDatagram(socket, new TextEncoder().encode(lines.join("\n")));
    } catch (thrown) {
      log.warn("telling the service manager failed", { socket, error: toTsdError(thrown).message });
    }
  }
}
