import type { ActionOf, Attributes } from "./event.ts";
import type { EventSink } from "./event_bus.ts";

/** What is told of a network. */
export interface ToldNetwork {
  readonly id: string;
  readonly name: string;
  /** Its driver. */
  readonly type: string;
}

/** What is told of one. */
export const toldOf = (
  { id, name, record: { driver } }: { readonly id: string; readonly name: string; readonly record: { driver: string } },
): ToldNetwork => ({ id, name, type: driver });

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
