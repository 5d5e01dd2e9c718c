import type { Trace } from "../../store/event_records.ts";
import type { ImageAction, PendingEvent } from "./event.ts";
import type { EventIntent, EventSink } from "./event_bus.ts";

/** An image as its events name it. */
export interface ImageActor {
  /** The image's id; of a pull, a push the reference: `alpine:3`. */
  readonly id: string;
  /** A name of the image, or its id where all names are gone. */
  readonly name: string;
  /** Those of its configuration, as long as it is there. */
  readonly labels?: Readonly<Record<string, string>> | undefined;
}

/** Tells of images as Docker does. */
export class ImageEvents {
  readonly #sink: EventSink;

  constructor(sink: EventSink) {
    this.#sink = sink;
  }

  /** See {@link EventSink.publish}. */
  emit(action: ImageAction, actor: ImageActor, trace?: Trace): void {
    this.#sink.publish(happeningOf(action, actor), trace);
  }

  /** See {@link EventSink.publishAll}. */
  emitAll(action: ImageAction, actors: readonly ImageActor[], trace?: Trace): void {
    this.#sink.publishAll(actors.map((actor) => happeningOf(action, actor)), trace);
  }

  /** See {@link EventSink.intend}. */
  intend(action: ImageAction, actor: ImageActor, trace?: Trace): EventIntent {
    return this.#sink.intend(happeningOf(action, actor), trace);
  }
}

const happeningOf = (action: ImageAction, { id, name, labels }: ImageActor): PendingEvent<"image"> => ({
  type: "image",
  action,
  actorId: id,
  attributes: { ...labels, name },
});
