import type { Container } from "../containers/container.ts";
import type { Attributes, ContainerAction } from "./event.ts";
import type { EventSink } from "./event_bus.ts";

/** What is told of a container besides what happened to it. */
export interface ContainerInfo {
  /** Follows the action: a command, a health status. */
  readonly detail?: string;
  readonly attributes?: Attributes;
}

/** Tells of containers as Docker does: each event carries the container's labels, image and name. */
export class ContainerEvents {
  readonly #sink: EventSink;

  constructor(sink: EventSink) {
    this.#sink = sink;
  }

  emit({ id, name, record }: Container, action: ContainerAction, { detail, attributes }: ContainerInfo = {}): void {
    this.#sink.publish({
      type: "container",
      action,
      actorId: id,
      attributes: { ...attributes, ...record.config.Labels, image: record.imageName, name },
      ...(detail === undefined ? {} : { detail }),
    });
  }
}
