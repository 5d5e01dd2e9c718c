import type { ActionOf, Attributes } from "./event.ts";
import type { EventSink } from "./event_bus.ts";

/** Tells of volumes as Docker does. */
export class VolumeEvents {
  readonly #sink: EventSink;

  constructor(sink: EventSink) {
    this.#sink = sink;
  }

  emit(action: ActionOf<"volume">, name: string, attributes: Attributes = {}): void {
    this.#sink.publish({ type: "volume", action, actorId: name, attributes: { ...attributes, driver: "local" } });
  }
}
