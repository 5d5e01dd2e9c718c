/**
 * @module
 * Jobs of the image archive Workers, over `../archives/archive_protocol.ts`: an archive that is uploaded is written down,
 * looked through and understood, or one is made of stored layers, each of which is verified on its way.
 */
import type { HashEngine } from "../../hash/mod.ts";
import type { ArchivedImage, LayoutFile } from "../../image/archive/mod.ts";
import type { Platform } from "../../image/platform.ts";
import type { LayerStorage } from "../../store/drivers.ts";

export type ImageArchiveJob =
  /** Takes an archive, compressed or not; gives what is in it. */
  | {
    readonly kind: "open";
    readonly hashEngine: HashEngine;
    /** A new file that gets the uncompressed archive. */
    readonly path: string;
    readonly platform?: Platform | undefined;
  }
  /** Gives an archive. */
  | {
    readonly kind: "save";
    readonly hashEngine: HashEngine;
    readonly storage: Pick<LayerStorage, "driver" | "root">;
    readonly files: readonly LayoutFile[];
  };

/** What is in an archive. */
export interface ImageArchiveInfo {
  readonly images: readonly ArchivedImage[];
}
