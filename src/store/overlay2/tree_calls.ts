/** The system calls that writing and reading a layer's tree takes. */
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

/** All of these ports in one object, as the recording fake has them. */
export type LayerCalls = FileCalls & DurabilityCalls & TreeCalls & MetadataCalls & XattrCalls;

/** The real ones. */
export const LAYER_CALLS: LayerCalls = { ...files, ...durability, ...tree, ...metadata, ...xattrs };
