/**
 * @module
 * Creating a container from an image takes a while, during which no record references the image. A lease protects it in
 * the meantime: prune skips the image, and its layers stay even if the image is removed by name.
 */
import { TsdError } from "../../errors.ts";
import type { Digest } from "../../image/digest.ts";
import type { ImageRecord, ImageRecords } from "../../store/image_records.ts";
import type { LayerLeases } from "./layer_leases.ts";

export interface ImageLeasesDeps {
  readonly records: Pick<ImageRecords, "get">;
  readonly leases: LayerLeases;
  /** Removes those of the layers that are unreferenced. */
  readonly sweepLayers: (diffIds: readonly Digest[]) => Promise<unknown>;
}

/** A leased image. Dispose of it once what was created from it is recorded, or its creation has failed. */
export interface LeasedImage extends AsyncDisposable {
  /**
   * Checks that the image still exists; call it right before recording what was created from it.
   * @throws {TsdError} image_not_found if it was removed by name
   */
  require(): void;
}

/** Creates leases on images. */
export class ImageLeases {
  readonly #deps: ImageLeasesDeps;

  constructor(deps: ImageLeasesDeps) {
    this.#deps = deps;
  }

  /**
   * Leases an image and its layers.
   * @param name the image's name in error messages
   * @throws {TsdError} image_not_found if the image was removed since it was found
   */
  hold({ id, layers }: Pick<ImageRecord, "id" | "layers">, name: string): LeasedImage {
    const { records, leases, sweepLayers } = this.#deps;
    const require = () => {
      if (records.get(id) === undefined) throw new TsdError("image_not_found", `No such image: ${name}`);
    };
    require();
    const hold = leases.hold([id, ...layers]);
    return {
      require,
      async [Symbol.asyncDispose]() {
        hold[Symbol.dispose]();
        // The image was removed during the lease, which kept its layers: remove them now.
        if (records.get(id) === undefined) await sweepLayers(layers.toReversed());
      },
    };
  }
}
