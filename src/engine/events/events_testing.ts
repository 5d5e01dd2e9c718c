/** Where unit tests see what services tell. Not for the engine. */
import type { PendingEvent } from "./event.ts";
import type { EventSink } from "./event_bus.ts";

/** Writes changes at once, and gives what is told to `told`; intents once their steps are over. */
export function fakeSink(reported: (pending: PendingEvent) => unknown): EventSink {
  const publish: EventSink["publish"] = (pending, trace) => {
    trace?.write();
    reported(pending);
  };
  return {
    publish,
    publishAll: (pendingEvents, trace) => {
      trace?.write();
      for (const pending of pendingEvents) reported(pending);
    },
    intend: (pending, trace) => {
      trace?.write();
      return { publish: (later) => publish(pending, later), drop: () => undefined };
    },
  };
}
