/**
 * @module
 * The driver `erofs`: a layer is kept as its tar, never unpacked, with an EROFS index beside it whose files point into the
 * tar (Linux 6.12 mounts both as files, older ones as loop devices). Below its root: `layers/<hex of the diffID>/`, and what `../overlay/` and
 * `../layer_folders/` keep there. Invariants: the tar is the very bytes that the diffID names; the index says what the
 * layer's tree says (see `LayerTree`) and can be made again at any time; layers are mounted read-only.
 */
export { ErofsLayerStore, type ErofsLayerStoreOptions } from "./layer_store.ts";
export { probeErofs } from "./probe.ts";
export { sweepMounts } from "./layer_mounts.ts";
