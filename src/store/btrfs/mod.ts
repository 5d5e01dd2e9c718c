/**
 * @module
 * The driver `btrfs`: layers are unpacked into subvolumes, and a container's root is a snapshot. In a data-root on btrfs,
 * where it is asked for. Below its root: `layers/<hex of the diffID>/`, `chains/<hex of the chain id>/` and
 * `snapshots/<container id>/`, in each of which the subvolume is `files`, and what `../layer_folders/` keeps there.
 *
 * Invariants: layers and chains are whole, on disk and read-only; a chain has what its layers say together, as overlayfs
 * would show it, and can be made again from them at any time; a tar comes back from its layer's subvolume alone.
 */
export { ChainSnapshots } from "./chain_snapshots.ts";
export { BtrfsLayerStore, type BtrfsLayerStoreOptions } from "./layer_store.ts";
export { probeBtrfs } from "./probe.ts";
export { BtrfsSnapshotter, type BtrfsSnapshotterOptions } from "./snapshotter.ts";
