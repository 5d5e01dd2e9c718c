/** The system calls that keeping layers and snapshots as subvolumes takes. */
import { btrfs, type BtrfsCalls } from "../../sys/mod.ts";
import { OVERLAY_CALLS, type OverlayCalls } from "../overlay/overlay_mount.ts";
import { LAYER_CALLS, type LayerCalls } from "../overlay2/tree_calls.ts";

/** All of these ports in one object, as the recording fake has them. */
export type SubvolumeCalls = LayerCalls & OverlayCalls & BtrfsCalls;

/** The real ones. */
export const SUBVOLUME_CALLS: SubvolumeCalls = { ...LAYER_CALLS, ...OVERLAY_CALLS, ...btrfs };

/** The subvolume in a folder of ours, and the folder in it that is the root of what it holds. */
export const FILES = "files";
export const TREE = "tree";
