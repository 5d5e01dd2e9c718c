/**
 * @module
 * Making something of an image (a container) takes a while in which no record says that the image is needed. Whoever does
 * that holds it: prune leaves it alone, and its layers stay even if somebody removes it by name.
 */
import { TsdError } from "../../errors.ts";
import type { Digest } from "../../image/digest.ts";
import type { ImageRecord, ImageRecords } from "../../store/image_records.ts";
import type { LayerLeases } from "./layer_leases.ts";

export interface ImageLeasesDeps {
  readonly records: Pick<ImageRecords, "get">;
  readonly leases: LayerLeases;
  /** Removes layers that nobody needs. */
  readonly sweepLayers: (diffIds: readonly Digest[]) => Promise<unknown>;
}

/** An image that something is being made of; dispose of it when that is recorded, or has come to nothing. */
export interface LeasedImage extends AsyncDisposable {
  /** For right before the record: somebody may have removed the image by name. @throws {TsdError} image_not_found */
  require(): void;
}

/** See the module's comment. */
export class ImageLeases {
  readonly #deps: ImageLeasesDeps;

  constructor(deps: ImageLeasesDeps) {
    this.#deps = deps;
  }

  /** @param name what the caller calls it. @throws {TsdError} image_not_found: it has gone since it was found */
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
        // The removal left them to us.
        if (records.get(id) === undefined) await sweepLayers(layers.toReversed());
      },
    };
  }
}
