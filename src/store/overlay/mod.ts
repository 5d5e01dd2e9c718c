/**
 * @module
 * Containers' root file systems as overlays (Linux Documentation/filesystems/overlayfs.rst), over any driver whose
 * layers can be lower directories. Below the driver's root: `snapshots/<container id>/`.
 */
export type { MountApi } from "./overlay_mount.ts";
export { OverlaySnapshotter, type OverlaySnapshotterOptions } from "./snapshotter.ts";
