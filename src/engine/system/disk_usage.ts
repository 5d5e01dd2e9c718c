/**
 * @module
 * What the engine's things take on the disk: `system df`.
 */
import type { Container } from "../model/container.ts";
import type { ContainerSize, ContainerSizes } from "../containers/container_sizes.ts";
import type { ContainerTable } from "../model/container_table.ts";
import type { CatalogImage, ImageCatalog } from "../images/image_catalog.ts";
import type { ImageUsage } from "../images/image_usage.ts";
import type { IncompletePulls } from "../images/incomplete_pulls.ts";

/** All images, and how much each shares with others. */
export interface ImagesOnDisk {
  /** Bytes of every layer, once, and of what pulls left that were broken off. */
  readonly layersBytes: number;
  readonly images: readonly {
    readonly image: CatalogImage;
    readonly sharedBytes: number;
    /** How many containers stand on it. */
    readonly containers: number;
  }[];
}

/** A container and what it takes. */
export interface ContainerOnDisk {
  readonly container: Container;
  readonly size: ContainerSize;
}

export interface DiskUsageDeps {
  readonly table: Pick<ContainerTable, "list" | "ofImage">;
  readonly catalog: Pick<ImageCatalog, "list">;
  readonly usage: Pick<ImageUsage, "measure">;
  readonly incomplete: Pick<IncompletePulls, "left">;
  readonly sizes: Pick<ContainerSizes, "of">;
}

/** See the module's comment. */
export class DiskUsage {
  readonly #deps: DiskUsageDeps;

  constructor(deps: DiskUsageDeps) {
    this.#deps = deps;
  }

  /** @throws {TsdError} storage */
  async images(): Promise<ImagesOnDisk> {
    const { catalog, usage, table, incomplete } = this.#deps;
    const { layersBytes, sharedBytes } = await usage.measure();
    const remainingBytes = (await incomplete.left()).reduce((sum, { bytes }) => sum + bytes, 0);
    const images = (await catalog.list()).map((image) => ({
      image,
      sharedBytes: sharedBytes.get(image.record.id) ?? 0,
      containers: table.ofImage(image.record.id).length,
    }));
    return { layersBytes: layersBytes + remainingBytes, images };
  }

  /** Counting takes as long as there are files; one that goes meanwhile is left out. @throws {TsdError} storage */
  async containers(): Promise<ContainerOnDisk[]> {
    const found: ContainerOnDisk[] = [];
    for (const container of this.#deps.table.list()) {
      const size = await this.#deps.sizes.of(container);
      if (size !== undefined) found.push({ container, size });
    }
    return found;
  }
}
