/**
 * @module
 * Images that are mounted in containers (`--mount type=image`). Each has a snapshot of its own, made with the container and
 * gone with it, so that the image's layers look there as they do in a container's root, with every storage driver. Nobody
 * writes to it.
 */
import { sha256Hex } from "../../hash/mod.ts";
import type { ImageCatalog } from "../images/image_catalog.ts";
import type { ImageLeases } from "../images/image_leases.ts";
import type { SharedSnapshots } from "../images/shared_snapshots.ts";
import type { ImageUse, RequestedMount } from "../model/mounts.ts";

export interface ImageMountsDeps {
  readonly images: Pick<ImageCatalog, "resolve">;
  readonly uses: Pick<ImageLeases, "hold">;
  readonly snapshots: Pick<SharedSnapshots, "prepare" | "hold" | "remove">;
}

/** A mount whose image was found. Disposing of it takes away what was made for it, unless it was kept. */
export interface ReadyImage extends AsyncDisposable {
  readonly mount: RequestedMount;
  keep(): void;
}

/** See the module's comment. */
export class ImageMounts {
  readonly #deps: ImageMountsDeps;

  constructor(deps: ImageMountsDeps) {
    this.#deps = deps;
  }

  /** @throws {TsdError} image_not_found, ambiguous_id, invalid_reference, storage */
  async make(requested: RequestedMount, image: ImageUse, containerId: string): Promise<ReadyImage> {
    const { images, uses, snapshots } = this.#deps;
    const { name } = image;
    const { record: { id, layers } } = await images.resolve(name);
    await using undo = new AsyncDisposableStack();
    // It goes last: until the container is recorded nothing else keeps the layers.
    undo.use(uses.hold({ id, layers }, name));
    const snapshot = await snapshotId(containerId, requested.mount.target);
    await snapshots.prepare(layers, snapshot);
    let isKept = false;
    undo.defer(() => isKept ? undefined : snapshots.remove(snapshot));
    await using seen = await snapshots.hold(snapshot);
    const all = undo.move();
    return {
      mount: {
        ...requested,
        mount: { kind: "image", source: seen.root, target: requested.mount.target, readOnly: true },
        image: { ...image, found: { id, layers, snapshot } },
      },
      keep: () => void (isKept = true),
      [Symbol.asyncDispose]: () => all.disposeAsync(),
    };
  }
}

const snapshotId = (containerId: string, target: string): Promise<string> =>
  sha256Hex(new TextEncoder().encode(`${containerId} ${target}`));
