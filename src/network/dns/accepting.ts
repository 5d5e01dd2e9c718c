import type { Log } from "../../log.ts";

/** How long to wait after a failed accept(2), in ms: the machine or this process may have too many open files. */
const PAUSE_MS = 500;

/** Yields connections until the listener is closed. Failures to accept are logged and retried. */
export async function* connectionsOf(
  listener: Pick<Deno.Listener, "accept">,
  log: Log,
  pauseMs = PAUSE_MS,
): AsyncGenerator<Deno.Conn> {
  for (;;) {
    try {
      yield await listener.accept();
    } catch (thrown) {
      if (isClosed(thrown)) return;
      log.warn("names: connections can't be accepted for now", { error: String(thrown) });
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }
}

const isClosed = (thrown: unknown): boolean =>
  thrown instanceof Deno.errors.BadResource || thrown instanceof Deno.errors.Interrupted;
