/**
 * @module
 * Jobs of the image archive Workers, on top of `../copy/protocol.ts`: spool and parse an uploaded archive, or create an
 * archive from stored layers, each of which is verified while it is read.
 */
import type { HashEngine } from "../../hash/mod.ts";
import type { ArchivedImage, LayoutFile } from "../../image/archive/mod.ts";
import type { Platform } from "../../image/platform.ts";
import type { LayerStorage } from "../../store/drivers.ts";

export type ImageArchiveJob =
  /** Reads an archive, compressed or not, and reports its content. */
  | {
    readonly kind: "open";
    readonly hashEngine: HashEngine;
    /** The file to create for the uncompressed archive. */
    readonly path: string;
    readonly platform?: Platform | undefined;
  }
  /** Writes an archive. */
  | {
    readonly kind: "save";
    readonly hashEngine: HashEngine;
    readonly storage: Pick<LayerStorage, "driver" | "root">;
    readonly files: readonly LayoutFile[];
  };

/** The content of an archive. */
export interface ImageArchiveInfo {
  readonly images: readonly ArchivedImage[];
}
