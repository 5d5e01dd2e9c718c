/**
 * @module
 * The driver `overlay2`: layers are unpacked into folders, containers' root file systems are overlays of them. It works on
 * every kernel that tsd supports, in a data-root on ext4, xfs, btrfs and the like (not on an overlay).
 *
 * Below its root: `layers/<hex of the diffID>/`, `snapshots/<container id>/`, and `ingest/`, where everything is made
 * before it is renamed into place and everything is moved to before it is deleted. Invariants: what stands in `layers/` is
 * whole, verified and on disk; nothing of a layer leads, or is read or written, outside its folder (see `LayerTree`).
 */
export { DEFAULT_LAYER_LIMITS, Overlay2LayerStore, type Overlay2LayerStoreOptions } from "./layer_store.ts";
export type { OverlayWay } from "./overlay_mount.ts";
export { OverlaySnapshotter, type OverlaySnapshotterOptions } from "./snapshotter.ts";
export { sweepIngest } from "./workspace.ts";
