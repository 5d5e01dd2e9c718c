import { isTsdError, toTsdError } from "../../errors.ts";
import type { Terminal } from "../../cli/mod.ts";
import { retryUntilAvailable } from "../../client/reconnect.ts";
import { killContainer, resizeContainer } from "../../client/containers.ts";
import type { EngineTransport } from "../../client/transport.ts";

/** What {@link proxySignals} passes on. */
export const PROXIED: readonly Deno.Signal[] = ["SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM", "SIGUSR1", "SIGUSR2"];

/** Passes signals that we get on to a container, until disposed; one that doesn't run doesn't mind. */
export function proxySignals(terminal: Terminal, engine: EngineTransport, id: string): Disposable {
  return terminal.onSignal(PROXIED, (signal) => {
    killContainer(engine, id, signal).catch(async (thrown) => {
      if (isTsdError(thrown, "not_running", "conflict", "container_not_found", "not_found")) return;
      await terminal.err(`tsd: cannot pass ${signal} on: ${toTsdError(thrown).message}\n`);
    });
  });
}

/** Keeps a container's terminal as large as ours, from now on, until disposed. */
export function followSize(
  terminal: Terminal,
  resize: (rows: number, columns: number) => Promise<void>,
): Disposable {
  const reportOnce = async () => {
    const size = terminal.size();
    if (size === undefined) return;
    await retryUntilAvailable(() => resize(size.rows, size.columns)).catch(async (thrown) => {
      // It may have ended meanwhile; an engine that is gone is the session's to tell of.
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
  // One after another, or an older size might come last.
  const tell = async () => {
    if (++requested > 1) return;
    for (let done = 0; done < requested;) {
      done = requested;
      await reportOnce();
    }
    requested = 0;
  };
  void tell();
  return terminal.onSignal(["SIGWINCH"], () => void tell());
}

/** {@link followSize} for a container's main process. */
export const followContainerSize = (terminal: Terminal, engine: EngineTransport, id: string): Disposable =>
  followSize(terminal, (rows, columns) => resizeContainer(engine, id, rows, columns));
