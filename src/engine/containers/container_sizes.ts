/** @module The size of containers: of the writable layer, and with the image. */
import { isTsdError } from "../../errors.ts";
import type { Digest } from "../../image/digest.ts";
import type { Snapshotter } from "../../store/driver.ts";

/** The size of a container, in bytes. */
export interface ContainerSize {
  /** Size of the writable layer. */
  readonly written: number;
  /** Size with the image, or of the writable layer if the image was removed. */
  readonly total: number;
}

/** The parts of a container that are needed. */
interface Sized {
  readonly id: string;
  readonly record: { readonly imageId: Digest };
}

/** The parts of the catalog that are needed. */
interface Images {
  get(id: Digest): Promise<{ readonly record: { readonly sizeBytes: number } } | undefined>;
}

/** Measures writable layers, in time proportional to the number of their files. */
export class ContainerSizes {
  readonly #snapshots: Pick<Snapshotter, "usage">;
  readonly #images: Images;

  constructor(snapshots: Pick<Snapshotter, "usage">, images: Images) {
    this.#snapshots = snapshots;
    this.#images = images;
  }

  /** Returns a container's size, or undefined if it was removed meanwhile. @throws {TsdError} storage */
  async of({ id, record }: Sized): Promise<ContainerSize | undefined> {
    try {
      const { bytes } = await this.#snapshots.usage(id);
      return { written: bytes, total: bytes + await this.#imageBytes(record.imageId) };
    } catch (thrown) {
      if (isTsdError(thrown, "not_found")) return undefined;
      throw thrown;
    }
  }

  /** Returns the size of an image. An image with a damaged configuration counts as 0. */
  async #imageBytes(id: Digest): Promise<number> {
    try {
      return (await this.#images.get(id))?.record.sizeBytes ?? 0;
    } catch (thrown) {
      if (isTsdError(thrown, "storage")) return 0;
      throw thrown;
    }
  }
}
