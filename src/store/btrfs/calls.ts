/** The system calls for layers and snapshots in subvolumes. */
import { btrfs, type BtrfsCalls } from "../../sys/mod.ts";
import { OVERLAY_CALLS, type OverlayCalls } from "../overlay/overlay_mount.ts";
import { LAYER_CALLS, type LayerCalls } from "../overlay2/tree_calls.ts";

/** All of these interfaces in one object, as the recording fake implements them. */
export type SubvolumeCalls = LayerCalls & OverlayCalls & BtrfsCalls;

/** The real system calls. */
export const SUBVOLUME_CALLS: SubvolumeCalls = { ...LAYER_CALLS, ...OVERLAY_CALLS, ...btrfs };

/** Name of the subvolume in a driver's directory, and of the directory in it that is the root of its tree. */
export const FILES = "files";
export const TREE = "tree";
