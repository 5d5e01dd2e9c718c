/**
 * @module
 * The `erofs` driver: a layer is kept as its tar, never unpacked, with an EROFS index beside it whose files point into
 * the tar. Linux 6.12 and later mount both as files, older kernels as loop devices. Below its root: `layers/<hex of the
 * diffID>/`, and the directories of `../overlay/` and `../directory_driver/`.
 *
 * Invariants: the tar is exactly the bytes that the diffID names; the index represents the layer's tree (see
 * `LayerTree`) and can be rebuilt at any time; layers are mounted read-only.
 */
export { ErofsLayerStore, type ErofsLayerStoreOptions } from "./layer_store.ts";
export { probeErofs } from "./probe.ts";
export { sweepMounts } from "./layer_mounts.ts";
