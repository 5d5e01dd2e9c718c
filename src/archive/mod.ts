/**
 * @module
 * Trees of files as tar archives: looking up paths, packing and unpacking, while other processes may change the tree
 * and with untrusted archives. Docker calls this the archive of a container's path.
 *
 * Invariants: every path is walked name by name from descriptors ({@link TreeView}), so that a link swapped in
 * meanwhile can't lead outside of the tree; no file of the tree is executed or loaded, and only regular files and
 * directories are opened; no file is ever in memory as a whole. The module knows neither containers nor the engine.
 */
export { ARCHIVE_CALLS, type ArchiveCalls } from "./calls.ts";
export { copyTree } from "./copy_tree.ts";
export type { Owner } from "./entry_attributes.ts";
export { FileData, type StoredFile } from "./file_data.ts";
export { type PackSource, packTree } from "./pack.ts";
export * from "./paths.ts";
export { removeTree } from "./remove_tree.ts";
export { absolute, PinnedPath as Place, type TreeMount } from "./pinned_path.ts";
export { parentOf, TreeView, type WalkOptions } from "./tree_view.ts";
export { Unpacker, type UnpackOptions, type UnpackTarget } from "./unpack.ts";
