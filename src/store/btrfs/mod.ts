/**
 * @module
 * The `btrfs` driver: layers are unpacked into subvolumes, and a container's root is a snapshot. For data-roots on
 * btrfs, if requested. Below its root: `layers/<hex of the diffID>/`, `chains/<hex of the chain id>/` and
 * `snapshots/<container id>/`, each with the subvolume `files`, and the directories of `../directory_driver/`.
 *
 * Invariants: layers and chains are complete, on disk and read-only; a chain has the content that overlayfs would show
 * for its layers, and can be rebuilt from them at any time; a layer's subvolume alone is enough to rebuild its tar.
 */
export { ChainSnapshots } from "./chain_snapshots.ts";
export { BtrfsLayerStore, type BtrfsLayerStoreOptions } from "./layer_store.ts";
export { probeBtrfs } from "./probe.ts";
export { BtrfsSnapshotter, type BtrfsSnapshotterOptions } from "./snapshotter.ts";
