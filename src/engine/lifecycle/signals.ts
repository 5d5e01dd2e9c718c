import type { AsyncQueue } from "../../async/queue.ts";
import type { EnginePhase } from "./phase.ts";

/** The signal that asks an engine to reload. */
export const RELOAD_SIGNAL = "SIGHUP";

/**
 * Queues the names of SIGTERM, SIGINT and SIGHUP as they arrive, until the result is disposed of. The listeners stay if
 * a re-execution has begun, because nothing else would receive a signal then.
 * @param phase `isStopped` is set by the signals that stop the engine
 */
export function listenForSignals(requested: Pick<AsyncQueue<string>, "push">, phase: EnginePhase): Disposable {
  const listeners = (["SIGTERM", "SIGINT", RELOAD_SIGNAL] as const).map((signal) => {
    const listener = () => {
      phase.isStopped ||= signal !== RELOAD_SIGNAL;
      requested.push(signal);
    };
    Deno.addSignalListener(signal, listener);
    return { signal, listener };
  });
  return {
    [Symbol.dispose]: () => {
      if (phase.reexec !== undefined) return;
      for (const { signal, listener } of listeners) Deno.removeSignalListener(signal, listener);
    },
  };
}
