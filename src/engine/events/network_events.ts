import type { ActionOf, Attributes } from "./event.ts";
import type { EventSink } from "./event_bus.ts";

/** What is told of a network. */
export interface ToldNetwork {
  readonly id: string;
  readonly name: string;
  /** Its driver. */
  readonly type: string;
}

/** Tells of networks as Docker does. */
export class NetworkEvents {
  readonly #sink: EventSink;

  constructor(sink: EventSink) {
    this.#sink = sink;
  }

  tell(action: ActionOf<"network">, { id, name, type }: ToldNetwork, attributes: Attributes = {}): void {
    this.#sink.publish({ type: "network", action, actorId: id, attributes: { ...attributes, name, type } });
  }
}
