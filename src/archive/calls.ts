/** The system calls that looking into trees of files, packing and unpacking them takes. */
import {
  type DirectoryCalls,
  dirs,
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
} from "../sys/mod.ts";

/** All of these ports in one object, as the recording fake has them. */
export type ArchiveCalls = FileCalls & DirectoryCalls & TreeCalls & MetadataCalls & XattrCalls & DurabilityCalls;

/** The real ones. */
export const ARCHIVE_CALLS: ArchiveCalls = { ...files, ...dirs, ...tree, ...metadata, ...xattrs, ...durability };
