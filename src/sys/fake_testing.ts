/**
 * @module
 * A recording fake of all ports of `src/sys/`, for unit tests of other modules. It records every call in order, returns
 * scripted answers or harmless defaults, and makes no system call. Not part of `mod.ts`.
 */
import { type CString, cText } from "./cstring.ts";
import type { BlockingCalls } from "./blocking_pool.ts";
import type { BtrfsCalls } from "./btrfs.ts";
import type { PollCalls } from "./epoll.ts";
import { type ErrnoName, SysError } from "./errno.ts";
import type { CopyRange, DurabilityCalls, FileCalls } from "./files.ts";
import type { FileFlagCalls } from "./file_flags.ts";
import type { DirectoryCalls } from "./directory.ts";
import type { FileStatus, FilesystemStatus, MetadataCalls } from "./metadata.ts";
import type { LoopCalls } from "./loop_devices.ts";
import type { MountCalls } from "./mounts.ts";
import type { NetlinkCalls } from "./netlink.ts";
import type { PipeCalls } from "./pipe.ts";
import type { ProcessCalls, SelfProcessCalls } from "./process.ts";
import type { SocketCalls } from "./sockets.ts";
import type { TerminalCalls } from "./terminals.ts";
import type { TreeCalls } from "./tree.ts";
import type { XattrCalls } from "./xattr.ts";

/** Every method of every port. */
export interface AllCalls
  extends
    BlockingCalls,
    FileCalls,
    DurabilityCalls,
    TreeCalls,
    DirectoryCalls,
    FileFlagCalls,
    MetadataCalls,
    XattrCalls,
    MountCalls,
    LoopCalls,
    BtrfsCalls,
    ProcessCalls,
    SelfProcessCalls,
    PipeCalls,
    PollCalls,
    SocketCalls,
    NetlinkCalls,
    TerminalCalls {}

/** The name of a call. */
export type CallName = keyof AllCalls;

/** A recorded call: C strings as text, bytes as a copy. */
export interface RecordedCall {
  readonly name: CallName;
  readonly args: readonly unknown[];
}

type Result<N extends CallName> = ReturnType<AllCalls[N]>;

/** A scripted answer: a value, an error to throw, or a function of the call's arguments. */
export type Answer<N extends CallName> =
  | { readonly value: Result<N> }
  | { readonly error: ErrnoName | Error }
  | { readonly run: (...args: Parameters<AllCalls[N]>) => Result<N> };

const EPOCH = { seconds: 0n, nanoseconds: 0 };
const FIRST_FD = 100;
const FIRST_PID = 1000;

/** Status of an empty regular file owned by root: the fake's default for `statx`, and a base for scripted answers. */
export const FAKE_STATUS: FileStatus = {
  mode: 0o100644,
  uid: 0,
  gid: 0,
  sizeBytes: 0,
  blocks: 0,
  linkCount: 1,
  inode: 1n,
  device: { major: 0, minor: 1 },
  nodeDevice: { major: 0, minor: 0 },
  accessTime: EPOCH,
  modifyTime: EPOCH,
  changeTime: EPOCH,
};

const FAKE_FILESYSTEM: FilesystemStatus = {
  magic: 0xef53n,
  totalBytes: 1e9,
  availableBytes: 1e9,
  totalInodes: 1e6,
  freeInodes: 1e6,
};

const noop = () => {};

/** Default answers that need no state, in the order of the ports. */
const DEFAULT_ANSWERS = {
  read: () => 0,
  write: (_fd: number, bytes: Uint8Array) => bytes.byteLength,
  pread: () => 0,
  pwrite: (_fd: number, bytes: Uint8Array) => bytes.byteLength,
  fsync: noop,
  fdatasync: noop,
  syncfs: noop,
  ftruncate: noop,
  nextData: () => undefined,
  copyFileRange: (range: CopyRange) => range.sizeBytes,
  shareBlocks: noop,
  mkdirat: noop,
  symlinkat: noop,
  linkat: noop,
  mknodat: noop,
  mkfifoat: noop,
  unlinkat: noop,
  renameat2: noop,
  readlinkat: () => new Uint8Array(0),
  readDir: () => [],
  fileFlags: () => 0,
  setFileFlags: noop,
  enableVerity: noop,
  fchown: noop,
  fchownat: noop,
  fchmod: noop,
  fchmodat: noop,
  futimens: noop,
  utimensat: noop,
  statx: () => FAKE_STATUS,
  statfs: () => FAKE_FILESYSTEM,
  fsetxattr: noop,
  fgetxattr: () => undefined,
  flistxattr: () => [],
  fremovexattr: noop,
  lsetxattr: noop,
  lgetxattr: () => undefined,
  llistxattr: () => [],
  lremovexattr: noop,
  mount: noop,
  umount2: noop,
  umountBlocking: () => Promise.resolve(),
  syncfsBlocking: () => Promise.resolve(),
  writeBlocking: (_fd: number, bytes: Uint8Array) => Promise.resolve(bytes.byteLength),
  fsconfig: noop,
  moveMount: noop,
  freeLoop: () => 0,
  configureLoop: noop,
  createSubvolume: noop,
  snapshotSubvolume: noop,
  destroySubvolume: noop,
  isReadOnlySubvolume: () => false,
  setReadOnlySubvolume: noop,
  cloneFile: noop,
  waitpid: () => undefined,
  kill: noop,
  pidfdSendSignal: noop,
  setChildSubreaper: noop,
  setsid: noop,
  dup2: noop,
  pidfdInfo: () => ({ pid: undefined, exit: undefined }),
  umask: () => 0o022,
  ignoreSignal: noop,
  defaultSignal: noop,
  execve: () => {
    throw new Error("The fake can't replace this process: script an error, or catch this one");
  },
  setPipeSize: (_fd: number, sizeBytes: number) => sizeBytes,
  pipeSize: () => 65536,
  send: (_fd: number, bytes: Uint8Array) => bytes.byteLength,
  setNonBlocking: noop,
  setCloseOnExec: noop,
  tee: () => "again",
  epollChange: noop,
  epollWait: () => Promise.resolve([]),
  bindUnix: noop,
  listen: noop,
  accept: () => "again",
  receiveFd: () => "again",
  netlinkPort: () => 1,
  sendNetlink: () => Promise.resolve(),
  receiveNetlink: () => "again",
  windowSize: () => ({ rows: 24, columns: 80 }),
  setWindowSize: noop,
  unreadBytes: () => 0,
} as const satisfies Partial<AllCalls>;

/**
 * The fake. `calls` implements all ports; pass it wherever one is expected: `new Unpacker(fake.calls, fake.calls)`.
 * Descriptors that it returns are numbered from 100 and tracked in {@link openFds}; pids start at 1000.
 */
export class FakeSys {
  /** All calls so far, in order. */
  readonly recorded: RecordedCall[] = [];
  /** Descriptors that were opened and not closed. Should be empty at the end of a test. */
  readonly openFds = new Set<number>();
  /** All ports in one object. */
  readonly calls: AllCalls;
  readonly #answers = new Map<CallName, Answer<CallName>[]>();
  #nextFd = FIRST_FD;
  #nextPid = FIRST_PID;

  constructor() {
    const defaults = this.#defaults();
    const entries = (Object.keys(defaults) as CallName[]).map((name) => [name, this.#recording(name, defaults[name])]);
    this.calls = Object.fromEntries(entries);
  }

  /** Adds answers for the next calls of one name, used in order; after them the defaults apply again. */
  script<N extends CallName>(name: N, ...answers: Answer<N>[]): this {
    this.#answers.set(name, [...(this.#answers.get(name) ?? []), ...answers as Answer<CallName>[]]);
    return this;
  }

  /** The names of the recorded calls, in order. */
  get names(): CallName[] {
    return this.recorded.map((call) => call.name);
  }

  /** The arguments of the recorded calls of one name. */
  argsOf(name: CallName): (readonly unknown[])[] {
    return this.recorded.filter((call) => call.name === name).map((call) => call.args);
  }

  #recording(name: CallName, fallback: (...args: never[]) => unknown): (...args: never[]) => unknown {
    return (...args) => {
      this.recorded.push({ name, args: args.map((arg, i) => readable(name, arg, i)) });
      const answer = this.#answers.get(name)?.shift();
      if (answer === undefined) return fallback(...args);
      if ("value" in answer) return answer.value;
      if ("run" in answer) return (answer.run as (...args: never[]) => unknown)(...args);
      throw typeof answer.error === "string" ? SysError.named(name, answer.error) : answer.error;
    };
  }

  #newFd(): number {
    const fd = this.#nextFd++;
    this.openFds.add(fd);
    return fd;
  }

  #closeFd(fd: number): void {
    if (!this.openFds.delete(fd)) throw SysError.named("close", "EBADF", { subject: `fd ${fd}` });
  }

  #defaults(): AllCalls {
    const newFd = () => this.#newFd();
    return {
      ...DEFAULT_ANSWERS,
      open: newFd,
      openat: newFd,
      openat2: newFd,
      close: (fd) => this.#closeFd(fd),
      fsopen: newFd,
      fsmount: newFd,
      openTree: newFd,
      spawn: () => this.#nextPid++,
      pidfdOpen: newFd,
      pidfdGetfd: newFd,
      duplicate: newFd,
      unixSocket: newFd,
      netlinkSocket: newFd,
      pipe2: () => ({ readFd: newFd(), writeFd: newFd() }),
      epollCreate: newFd,
      eventfd: newFd,
    };
  }
}

/** The calls that take bytes, and the argument's position: every other buffer among the arguments is a C string. */
const BYTES_AT: Partial<Record<CallName, number>> = {
  read: 1,
  write: 1,
  pread: 1,
  pwrite: 1,
  fsetxattr: 2,
  lsetxattr: 2,
  sendNetlink: 1,
};

/** Converts C strings to text and copies bytes, as callers reuse their buffers. */
function readable(name: CallName, argument: unknown, position: number): unknown {
  if (!(argument instanceof Uint8Array)) return argument;
  return BYTES_AT[name] === position ? argument.slice() : cText(argument as CString);
}
