/**
 * @module
 * How much a container takes: what it wrote, and that with its image.
 */
import { isTsdError } from "../../errors.ts";
import type { Digest } from "../../image/digest.ts";
import type { Snapshotter } from "../../store/driver.ts";

/** In bytes. */
export interface ContainerSize {
  /** What it wrote itself. */
  readonly written: number;
  /** With its image, or alone where that has gone. */
  readonly total: number;
}

/** What is asked of a container. */
interface Sized {
  readonly id: string;
  readonly record: { readonly imageId: Digest };
}

/** The part of the catalog that is needed. */
interface Images {
  get(id: Digest): Promise<{ readonly record: { readonly sizeBytes: number } } | undefined>;
}

/** Counts the files of writable layers; that takes as long as there are files. */
export class ContainerSizes {
  readonly #snapshots: Pick<Snapshotter, "usage">;
  readonly #images: Images;

  constructor(snapshots: Pick<Snapshotter, "usage">, images: Images) {
    this.#snapshots = snapshots;
    this.#images = images;
  }

  /** Undefined when the container went meanwhile. @throws {TsdError} storage */
  async of({ id, record }: Sized): Promise<ContainerSize | undefined> {
    try {
      const { bytes } = await this.#snapshots.usage(id);
      return { written: bytes, total: bytes + await this.#imageBytes(record.imageId) };
    } catch (thrown) {
      if (isTsdError(thrown, "not_found")) return undefined;
      throw thrown;
    }
  }

  /** An image whose config is damaged has a size all the same, but nobody to tell it. */
  async #imageBytes(id: Digest): Promise<number> {
    try {
      return (await this.#images.get(id))?.record.sizeBytes ?? 0;
    } catch (thrown) {
      if (isTsdError(thrown, "storage")) return 0;
      throw thrown;
    }
  }
}
