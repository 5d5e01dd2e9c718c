/**
 * @module
 * Starting a child process: one posix_spawn(3) wrapper for all children of the engine.
 */
import { TsdError } from "../errors.ts";
import { cString } from "./cstring.ts";
import { SysError } from "./errno.ts";
import { libc } from "./libc.ts";
import { environmentVector, StringVector } from "./string_vector.ts";

/**
 * What descriptor `target` of the child refers to: a duplicate of a descriptor of this process, or a path that the
 * child opens. The open happens while this thread waits: opening a FIFO read-only without a writer would block it.
 */
export type ChildStdio =
  | { readonly target: number; readonly fd: number }
  | { readonly target: number; readonly path: string; readonly flags: number; readonly mode?: number };

/**
 * A child to start. It inherits nothing that is not listed here: no environment, and no descriptor from `holdFds` on.
 */
export interface SpawnRequest {
  /** Absolute path of the program: PATH is not searched. */
  readonly path: string;
  /** The arguments; the first one is the program's name. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Applied in order; `fd` must not be the target of an earlier entry. */
  readonly stdio: readonly ChildStdio[];
  /**
   * Descriptors below this number may stay open, 3 by default; targets of `stdio` must be below it. Descriptors that
   * `stdio` doesn't name are subject to close-on-exec.
   */
  readonly inheritFdsBelow?: number;
  readonly cwd?: string;
}

/** glibc's spawn.h. */
export const POSIX_SPAWN = { SETSIGDEF: 0x04, SETSIGMASK: 0x08, SETSID: 0x80 } as const;
const SPAWN_FLAGS = POSIX_SPAWN.SETSIGDEF | POSIX_SPAWN.SETSIGMASK | POSIX_SPAWN.SETSID;
const STANDARD_FDS = 3;
/** Buffer sizes for glibc's types, which have 80, 336 and 128 bytes on 64-bit machines. */
export const SPAWN_SIZES = { fileActions: 128, attributes: 512, signalSet: 128 } as const;

/**
 * Starts a child in a new session, with default signal actions, an empty signal mask and only descriptors 0 to 2 (those
 * below `holdFds`). Returns its pid; the caller has to wait for it.
 * @throws {TsdError} invalid_argument when a descriptor would be overwritten before its use, or not survive
 * @throws {SysError} (ENOENT, EACCES …) when the program, `cwd` or a stdio path cannot be opened
 * @throws {TsdError} not_implemented with a glibc older than 2.34
 */
export function spawnProcess(request: SpawnRequest): number {
  refuseLostDescriptors(request);
  const actions = new Uint8Array(SPAWN_SIZES.fileActions);
  const attributes = new Uint8Array(SPAWN_SIZES.attributes);
  // SAFETY: both are at least as large as glibc's types, initialised before use and destroyed once.
  check(libc.posix_spawn_file_actions_init(actions), "posix_spawn_file_actions_init");
  try {
    check(libc.posix_spawnattr_init(attributes), "posix_spawnattr_init");
    try {
      addActions(actions, request);
      setAttributes(attributes);
      return start(request, actions, attributes);
    } finally {
      libc.posix_spawnattr_destroy(attributes);
    }
  } finally {
    libc.posix_spawn_file_actions_destroy(actions);
  }
}

/** The spawn functions return an error number instead of setting errno. */
function check(result: number, call: string, subject?: string): void {
  if (result !== 0) throw new SysError(call, result, { subject });
}

function refuseLostDescriptors({ stdio, inheritFdsBelow: holdFds = STANDARD_FDS }: SpawnRequest): void {
  const targets = new Set<number>();
  for (const entry of stdio) {
    if (entry.target >= holdFds) {
      throw new TsdError("invalid_argument", `Cannot spawn: descriptor ${entry.target} is above those that are kept`);
    }
    if ("fd" in entry && entry.fd !== entry.target && targets.has(entry.fd)) {
      throw new TsdError("invalid_argument", `Cannot spawn: descriptor ${entry.fd} is overwritten before it is used`);
    }
    targets.add(entry.target);
  }
}

function addActions(
  actions: Uint8Array<ArrayBuffer>,
  { stdio, cwd, inheritFdsBelow: holdFds = STANDARD_FDS }: SpawnRequest,
): void {
  // SAFETY: glibc copies the paths; actions is initialised.
  for (const entry of stdio) {
    if ("fd" in entry) {
      check(libc.posix_spawn_file_actions_adddup2(actions, entry.fd, entry.target), "posix_spawn dup2");
    } else {
      const { target, path, flags, mode = 0 } = entry;
      check(
        libc.posix_spawn_file_actions_addopen(actions, target, cString(path), flags, mode),
        "posix_spawn open",
        path,
      );
    }
  }
  if (cwd !== undefined) {
    check(required(libc.posix_spawn_file_actions_addchdir_np)(actions, cString(cwd)), "posix_spawn chdir", cwd);
  }
  // The child must not inherit descriptors that our parent left open; glibc ignores numbers that are not open.
  const targets = new Set(stdio.map(({ target }) => target));
  for (let fd = STANDARD_FDS; fd < holdFds; fd++) {
    if (!targets.has(fd)) check(libc.posix_spawn_file_actions_addclose(actions, fd), "posix_spawn close");
  }
  check(
    required(libc.posix_spawn_file_actions_addclosefrom_np)(actions, holdFds),
    "posix_spawn closefrom",
  );
}

/** Returns a function that older versions of glibc lack. @throws {TsdError} not_implemented */
function required<F>(symbol: F | null): F {
  if (symbol === null) {
    throw new TsdError("not_implemented", "tsd needs glibc 2.34 or later (posix_spawn_file_actions_addclosefrom_np)");
  }
  return symbol;
}

function setAttributes(attributes: Uint8Array<ArrayBuffer>): void {
  const allSignals = new Uint8Array(SPAWN_SIZES.signalSet).fill(0xff);
  const noSignals = new Uint8Array(SPAWN_SIZES.signalSet);
  // SAFETY: a sigset_t is 128 bytes and is copied.
  check(libc.posix_spawnattr_setflags(attributes, SPAWN_FLAGS), "posix_spawnattr_setflags");
  check(libc.posix_spawnattr_setsigdefault(attributes, allSignals), "posix_spawnattr_setsigdefault");
  check(libc.posix_spawnattr_setsigmask(attributes, noSignals), "posix_spawnattr_setsigmask");
}

function start(
  request: SpawnRequest,
  actions: Uint8Array<ArrayBuffer>,
  attributes: Uint8Array<ArrayBuffer>,
): number {
  const argv = new StringVector(request.argv.map(cString));
  const env = environmentVector(request.env);
  const pid = new Int32Array(1);
  // SAFETY: argv and env are NULL-terminated arrays of addresses into memory that the vectors keep alive until after
  // the call, which returns once the child has its own memory.
  const result = libc.posix_spawn(pid, cString(request.path), actions, attributes, argv.addresses, env.addresses);
  argv.keep();
  env.keep();
  check(result, "posix_spawn", request.path);
  return pid[0];
}
