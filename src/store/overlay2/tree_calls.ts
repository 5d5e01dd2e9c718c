/** The system calls for writing and reading a layer's tree. */
import {
  durability,
  type DurabilityCalls,
  type FileCalls,
  files,
  metadata,
  type MetadataCalls,
  tree,
  type TreeCalls,
  type XattrCalls,
  xattrs,
} from "../../sys/mod.ts";

/** All of these interfaces in one object, as the recording fake implements them. */
export type LayerCalls = FileCalls & DurabilityCalls & TreeCalls & MetadataCalls & XattrCalls;

/** The real system calls. */
export const LAYER_CALLS: LayerCalls = { ...files, ...durability, ...tree, ...metadata, ...xattrs };
