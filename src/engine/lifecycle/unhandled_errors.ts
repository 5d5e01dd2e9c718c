import type { Log } from "../../log.ts";

/**
 * Logs errors that no code handles, until it is disposed of. They are bugs, and cost one request instead of the engine.
 */
export function logUnhandledErrors(log: Log): Disposable {
  const report = (event: Event, thrown: unknown) => {
    event.preventDefault();
    log.error("unhandled", { error: String(thrown), stack: thrown instanceof Error ? thrown.stack : undefined });
  };
  const onRejection = (event: PromiseRejectionEvent) => report(event, event.reason);
  const onError = (event: ErrorEvent) => report(event, event.error);
  addEventListener("unhandledrejection", onRejection);
  addEventListener("error", onError);
  return {
    [Symbol.dispose]: () => {
      removeEventListener("unhandledrejection", onRejection);
      removeEventListener("error", onError);
    },
  };
}
