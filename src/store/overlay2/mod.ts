/**
 * @module
 * The `overlay2` driver: layers are unpacked into directories. It works on every kernel that tsd supports, with a
 * data-root on ext4, xfs, btrfs and similar file systems (not on an overlay).
 *
 * Below its root: `layers/<hex of the diffID>/`, and the directories of `../overlay/` and `../directory_driver/`.
 *
 * Invariants: everything in `layers/` is complete, verified and on disk; no path of a layer leads outside its
 * directory, and nothing outside is read or written (see `LayerTree`).
 */
export { Overlay2LayerStore, type Overlay2LayerStoreOptions } from "./layer_store.ts";
