import type { Recording, Trace } from "../../store/event_records.ts";
import type { Container } from "../model/container.ts";
import type { Attributes, ContainerAction, PendingEvent } from "./event.ts";
import type { EventIntent, EventSink } from "./event_bus.ts";

/** What is told of a container besides what happened to it. */
export interface ContainerInfo {
  /** Follows the action: a command, a health status. */
  readonly detail?: string;
  readonly attributes?: Attributes;
  /** Its name where it isn't the container's present one. */
  readonly name?: string;
}

/** Tells of containers as Docker does: each event carries the container's labels, image and name. */
export class ContainerEvents {
  readonly #sink: EventSink;

  constructor(sink: EventSink) {
    this.#sink = sink;
  }

  /** See {@link EventSink.publish}. */
  emit(container: Container, action: ContainerAction, info: ContainerInfo = {}, trace?: Trace): void {
    this.#sink.publish(happeningOf(container, action, info), trace);
  }

  /** {@link ContainerEvents.emit}, for who writes what has changed. */
  telling(container: Container, action: ContainerAction, info: ContainerInfo = {}): Recording {
    return (trace) => this.emit(container, action, info, trace);
  }

  /** See {@link EventSink.intend}. */
  intend(container: Container, action: ContainerAction, trace?: Trace): EventIntent {
    return this.#sink.intend(happeningOf(container, action), trace);
  }
}

function happeningOf(
  container: Container,
  action: ContainerAction,
  { detail, attributes, name = container.name }: ContainerInfo = {},
): PendingEvent<"container"> {
  const { id, record } = container;
  return {
    type: "container",
    action,
    actorId: id,
    attributes: { ...attributes, ...record.config.Labels, image: record.imageName, name },
    ...(detail === undefined ? {} : { detail }),
  };
}
