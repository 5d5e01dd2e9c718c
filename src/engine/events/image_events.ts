import type { ImageAction } from "./event.ts";
import type { EventSink } from "./event_bus.ts";

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

  emit(action: ImageAction, { id, name, labels }: ImageActor): void {
    this.#sink.publish({ type: "image", action, actorId: id, attributes: { ...labels, name } });
  }
}
