/**
 * @module
 * Everything for a test of the whole engine: a running engine, clients, the raw API, and the state of the host.
 */
export { btrfsVolume, type TestDir } from "./btrfs_volume.ts";
export {
  type ApiRequestOptions,
  ApiResponse,
  type ApiStream,
  EngineApi,
  type Frame,
  type HijackedConnection,
} from "./api.ts";
export { Deadline, loadFactor, until, untilNone } from "./deadline.ts";
export { containerTree, diffContainerTree } from "./container_tree.ts";
export { Engine, type EngineOptions, executable, startEngine, tsd } from "./engine.ts";
export { type HostSnapshot, hostSnapshot, type ProcessState, processState, snapshotChanges } from "./host_state.ts";
export { findLeftovers, type Leftovers, tracesOf } from "./leftovers.ts";
export { runCommand, type RunOptions, type RunResult } from "./run_command.ts";
export { Screen, type ScreenOptions } from "./screen.ts";
export { Session, type SessionOptions } from "./session.ts";
export { diffTrees, type TreeDiffOptions } from "./tree_diff.ts";
export { listTree, type TreeEntry, type TreeEntryType } from "./tree_listing.ts";
export { storageDir, storageNeeds } from "./storage_dir.ts";
