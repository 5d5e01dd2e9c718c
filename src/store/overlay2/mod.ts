/**
 * @module
 * The driver `overlay2`: layers are unpacked into folders. It works on every kernel that tsd supports, in a data-root on
 * ext4, xfs, btrfs and the like (not on an overlay).
 *
 * Below its root: `layers/<hex of the diffID>/`, and what `../overlay/` and `../layer_folders/` keep there. Invariants:
 * what stands in `layers/` is whole, verified and on disk; nothing of a layer leads, or is read or written, outside its
 * folder (see `LayerTree`).
 */
export { Overlay2LayerStore, type Overlay2LayerStoreOptions } from "./layer_store.ts";
