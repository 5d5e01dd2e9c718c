/**
 * @module
 * Trees of files as tars and back: looking things up, packing and unpacking where somebody else may be changing the tree
 * at the same time, and where archives may be hostile. What Docker calls an archive of a container's path.
 *
 * Invariants: every path is walked name by name from descriptors ({@link TreeView}), so that links swapped in meanwhile
 * lead nowhere outside of the tree; nothing in the tree is executed, loaded or opened but regular files and folders; no
 * file is ever in memory whole. It knows no containers and no engine.
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
