/**
 * @module
 * Linux system calls by FFI on glibc: what a container engine needs and Deno doesn't offer.
 *
 * - **Ports**: each group of calls is an interface of at most eight methods with one real implementation (`files`,
 *   `durability`, `tree`, `dirs`, `fileFlags`, `metadata`, `xattrs`, `mounts`, `loops`, `btrfs`, `processes`,
 *   `selfProcess`, `selfMemory`, `pipes`, `poll`, `sockets`, `netlink`, `terminals`, `unixPeers`). Tests of other
 *   modules use the recording fake of `fake.ts`.
 * - **Errors**: a failed call throws {@link SysError}. Only calls on non-blocking descriptors return a value for EAGAIN
 *   ("again").
 * - **errno** belongs to the thread and is read right after a synchronous call. After a call that Deno ran on another
 *   thread (`nonblocking`) it can't be read: calls that block belong in a Worker, made synchronously.
 * - **Threads**: `setns` and `unshare` would change one thread of many, `chdir` would change all: neither is offered.
 *   `umask` is for the start of the daemon.
 * - **Descriptors** are numbers, always with close-on-exec; {@link OwnedFd} gives them an owner.
 * - **Names** are {@link CString}s: names in a tar archive are bytes, not text. Paths that the engine chose itself are
 *   strings.
 *
 * Importing this module loads no library: each function of libc is opened on first use. Tests that make real calls also
 * import `preopen_testing.ts`, or `tests/requires.ts`, which does so. The module is no general file-system API (Deno has one)
 * and holds no policy.
 */
export { Acceptor, type AcceptorOptions } from "./acceptor.ts";
export type { Arch } from "./arch.ts";
export { ARCH } from "./arch.ts";
export { type BlockingCalls, blockingCalls as away } from "./blocking_pool.ts";
export { btrfs, BTRFS_SUBVOLUME_INODE, type BtrfsCalls } from "./btrfs.ts";
export { monotonicMicros } from "./clock.ts";
export { cBytes, type CString, cString, cText } from "./cstring.ts";
export { Epoll, poll } from "./epoll.ts";
export type { EpollOptions, PollCalls, PollChange, PollEvent, PollHandler } from "./epoll.ts";
export { type ErrnoName, errnoName, errnoOf, isErrno, SysError, type SysErrorInfo } from "./errno.ts";
export { durability, files } from "./files.ts";
export type { CopyRange, DurabilityCalls, FileCalls, OpenHow } from "./files.ts";
export * from "./flags.ts";
export { type FileFlagCalls, fileFlags, FS_FL } from "./file_flags.ts";
export { type DirectoryCalls, type DirectoryEntry, dirs } from "./directory.ts";
export { shareLock, tryLock, tryLockDirectory } from "./flock.ts";
export { LO_FLAGS, type LoopCalls, loops } from "./loop_devices.ts";
export { metadata } from "./metadata.ts";
export type { FileStatus, FilesystemStatus, FileTime, MetadataCalls, Timespec } from "./metadata.ts";
export { interfaceIndex, listenTcp } from "./inet.ts";
export { attach, mounts, newMount } from "./mounts.ts";
export type { FsSetting, MountCalls, MountMove, MountRequest, NewMount } from "./mounts.ts";
export { NETLINK, netlink, type NetlinkCalls } from "./netlink.ts";
export { OwnedFd } from "./owned_fd.ts";
export type { PidfdInfo } from "./pidfd_info.ts";
export { selfMemory, type SelfMemoryCalls } from "./self_memory.ts";
export { type PipeCalls, pipes } from "./pipe.ts";
export {
  type ExitedChild,
  exitOf,
  type ProcessCalls,
  processes,
  selfProcess,
  type SelfProcessCalls,
} from "./process.ts";
export {
  capabilityBoundingSet,
  getrlimit,
  processStartTime,
  processStat,
  readProcFile,
  setrlimit,
} from "./process_info.ts";
export type { ProcessStat, ResourceLimit } from "./process_info.ts";
export { type ReceivedFd, type SocketCalls, sockets } from "./sockets.ts";
export type { ChildStdio, SpawnRequest } from "./spawn.ts";
export { type TerminalCalls, terminals, type WindowSize } from "./terminals.ts";
export { makeDevice, tree } from "./tree.ts";
export type { DeviceNumber, TreeCalls } from "./tree.ts";
export { decodeStatus, type ProcessExit } from "./wait_status.ts";
export { type PeerCredentials, type UnixPeerCalls, unixPeers } from "./unix_peers.ts";
export { type XattrCalls, xattrs } from "./xattr.ts";
