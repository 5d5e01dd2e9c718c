/**
 * @module
 * `docker tag`: adds a name to an image. A name that another image has is moved.
 */
import { TsdError } from "../../errors.ts";
import {
  canonicalString,
  familiarName,
  familiarString,
  isTag,
  parseReference,
  type Reference,
  withDefaultTag,
} from "../../image/reference.ts";
import type { Recording } from "../../store/event_records.ts";
import type { ImageRecords } from "../../store/image_records.ts";
import type { ImageEvents } from "../events/image_events.ts";
import type { ImageCatalog } from "./image_catalog.ts";

/** A repository of this name would be parsed as a digest. */
const AMBIGUOUS = "sha256";

/** Adds names to images. */
export class ImageTagger {
  readonly #catalog: Pick<ImageCatalog, "find" | "labels">;
  readonly #records: Pick<ImageRecords, "tagManually">;
  readonly #events: ImageEvents;

  constructor(
    catalog: Pick<ImageCatalog, "find" | "labels">,
    records: Pick<ImageRecords, "tagManually">,
    events: ImageEvents,
  ) {
    this.#catalog = catalog;
    this.#records = records;
    this.#events = events;
  }

  /**
   * Tags an image.
   * @param source name or id of the image
   * @param repository the new name, possibly with a tag
   * @param tag takes precedence over that of `repository`; the default is `latest`
   * @throws {TsdError} invalid_reference, image_not_found, ambiguous_id
   */
  async tag(source: string, repository: string, tag: string | undefined): Promise<void> {
    const reference = newName(repository, tag);
    const labels = await this.#catalog.labels(this.#catalog.find(source).id);
    // Nothing may run from here on: a removal that does would leave a name of nothing.
    const { id } = this.#catalog.find(source);
    const actor = { id, name: familiarString(reference), labels };
    const telling: Recording = (trace) => this.#events.emit("tag", actor, trace);
    this.#records.tagManually(canonicalString(reference), id, Date.now(), telling);
  }
}

/** Parses the new name; errors have Docker's texts. */
function newName(repository: string, tag: string | undefined): Reference {
  const reference = parseReference(repository);
  if (reference.digest !== undefined) {
    throw new TsdError("invalid_reference", "refusing to create a tag with a digest reference");
  }
  if (familiarName(reference) === AMBIGUOUS) {
    throw new TsdError(
      "invalid_reference",
      "refusing to create an ambiguous tag using digest algorithm as name",
    );
  }
  if (tag === undefined) return withDefaultTag(reference);
  if (!isTag(tag)) throw new TsdError("invalid_reference", "invalid tag format");
  return { ...reference, tag };
}
