import type { Trace } from "../../store/event_records.ts";
import type { ActionOf, Attributes, PendingEvent } from "./event.ts";
import type { EventIntent, EventSink } from "./event_bus.ts";

/** Tells of volumes as Docker does. */
export class VolumeEvents {
  readonly #sink: EventSink;

  constructor(sink: EventSink) {
    this.#sink = sink;
  }

  /** See {@link EventSink.publish}. */
  emit(action: ActionOf<"volume">, name: string, attributes: Attributes = {}, trace?: Trace): void {
    this.#sink.publish(happeningOf(action, name, attributes), trace);
  }

  /** See {@link EventSink.intend}. */
  intend(action: ActionOf<"volume">, name: string, attributes: Attributes = {}, trace?: Trace): EventIntent {
    return this.#sink.intend(happeningOf(action, name, attributes), trace);
  }
}

function happeningOf(action: ActionOf<"volume">, name: string, attributes: Attributes): PendingEvent<"volume"> {
  return { type: "volume", action, actorId: name, attributes: { ...attributes, driver: "local" } };
}
