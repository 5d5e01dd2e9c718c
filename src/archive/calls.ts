/** The system calls that viewing, packing and unpacking trees of files need. */
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

/** All of these ports in one object, as the recording fake provides them. */
export type ArchiveCalls = FileCalls & DirectoryCalls & TreeCalls & MetadataCalls & XattrCalls & DurabilityCalls;

/** The real {@link ArchiveCalls}. */
export const ARCHIVE_CALLS: ArchiveCalls = { ...files, ...dirs, ...tree, ...metadata, ...xattrs, ...durability };
