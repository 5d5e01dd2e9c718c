import { isTsdError, toTsdError } from "../../errors.ts";
import type { Terminal } from "../../cli/mod.ts";
import { retryUntilAvailable } from "../../client/reconnect.ts";
import type { Container } from "../../client/container.ts";

/** The signals that {@link proxySignals} forwards. */
export const PROXIED: readonly Deno.Signal[] = ["SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM", "SIGUSR1", "SIGUSR2"];

/** Forwards signals that this process receives to a container, until disposed. A container that isn't running is ignored. */
export function proxySignals(terminal: Terminal, container: Container): Disposable {
  return terminal.onSignal(PROXIED, (signal) => {
    container.kill(signal).catch(async (thrown) => {
      if (isTsdError(thrown, "not_running", "conflict", "container_not_found", "not_found")) return;
      await terminal.err(`tsd: cannot pass ${signal} on: ${toTsdError(thrown).message}\n`);
    });
  });
}

/** Keeps the size of a process's terminal equal to this terminal's, from now on, until disposed. */
export function followSize(
  terminal: Terminal,
  resize: (rows: number, columns: number) => Promise<void>,
): Disposable {
  const reportOnce = async () => {
    const size = terminal.size();
    if (size === undefined) return;
    await retryUntilAvailable(() => resize(size.rows, size.columns)).catch(async (thrown) => {
      // The process may have exited in the meantime. A lost connection is reported by the session.
      const isOver = isTsdError(
        thrown,
        "not_running",
        "conflict",
        "container_not_found",
        "exec_not_found",
        "not_found",
      );
      if (isOver || isTsdError(thrown, "engine_unavailable")) return;
      await terminal.err(`tsd: cannot resize the terminal: ${toTsdError(thrown).message}\n`);
    });
  };
  let requested = 0;
  // Sequentially, because otherwise an older size could arrive last.
  const report = async () => {
    if (++requested > 1) return;
    for (let done = 0; done < requested;) {
      done = requested;
      await reportOnce();
    }
    requested = 0;
  };
  void report();
  return terminal.onSignal(["SIGWINCH"], () => void report());
}

/** {@link followSize} for a container's main process. */
export const followContainerSize = (terminal: Terminal, container: Container): Disposable =>
  followSize(terminal, (rows, columns) => container.resize(rows, columns));
