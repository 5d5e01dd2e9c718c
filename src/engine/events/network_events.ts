import type { ActionOf, Attributes } from "./event.ts";
import type { EventSink } from "./event_bus.ts";

/** What is told of a network. */
export interface NetworkActor {
  readonly id: string;
  readonly name: string;
  /** Its driver. */
  readonly type: string;
}

/** What is told of one. */
export const reportedOf = (
  { id, name, record: { driver } }: { readonly id: string; readonly name: string; readonly record: { driver: string } },
): NetworkActor => ({ id, name, type: driver });

/** Tells of networks as Docker does. */
export class NetworkEvents {
  readonly #sink: EventSink;

  constructor(sink: EventSink) {
    this.#sink = sink;
  }

  emit(action: ActionOf<"network">, { id, name, type }: NetworkActor, attributes: Attributes = {}): void {
    this.#sink.publish({ type: "network", action, actorId: id, attributes: { ...attributes, name, type } });
  }
}
