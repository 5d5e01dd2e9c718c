import type { Trace } from "../../store/event_records.ts";
import type { ActionOf, Attributes, PendingEvent } from "./event.ts";
import type { EventIntent, EventSink } from "./event_bus.ts";

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

  /** See {@link EventSink.publish}. */
  emit(action: ActionOf<"network">, network: NetworkActor, attributes: Attributes = {}, trace?: Trace): void {
    this.#sink.publish(happeningOf(action, network, attributes), trace);
  }

  /** See {@link EventSink.publishAll}. */
  emitAll(
    action: ActionOf<"network">,
    networks: readonly NetworkActor[],
    attributes: Attributes = {},
    trace?: Trace,
  ): void {
    this.#sink.publishAll(networks.map((network) => happeningOf(action, network, attributes)), trace);
  }

  /** See {@link EventSink.intend}. */
  intend(action: ActionOf<"network">, network: NetworkActor, attributes: Attributes = {}, trace?: Trace): EventIntent {
    return this.#sink.intend(happeningOf(action, network, attributes), trace);
  }
}

function happeningOf(
  action: ActionOf<"network">,
  { id, name, type }: NetworkActor,
  attributes: Attributes,
): PendingEvent<"network"> {
  return { type: "network", action, actorId: id, attributes: { ...attributes, name, type } };
}
