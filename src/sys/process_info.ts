/**
 * @module
 * Information about processes from /proc, and resource limits.
 */
import { checked } from "./check.ts";
import { cString } from "./cstring.ts";
import { isErrno } from "./errno.ts";
import { files } from "./files.ts";
import { O } from "./flags.ts";
import { libc } from "./libc.ts";
import { OwnedFd } from "./owned_fd.ts";

/** Some fields of `/proc/PID/stat` (proc_pid_stat(5)). */
export interface ProcessStat {
  /** One letter: `R`, `S`, `D`, `Z` (exited, not yet reaped) … */
  readonly state: string;
  readonly parentPid: number;
  /** Field 22: clock ticks after boot. Together with the pid it identifies a process for good. */
  readonly startTimeTicks: bigint;
  /** Field 52: the status of wait(2), valid only for a zombie, and 0 for a reader without ptrace permission. */
  readonly exitStatus: number;
}

/** Parses `/proc/PID/stat`; the command name in it may contain spaces and parentheses. */
export function parseProcessStat(text: string): ProcessStat {
  const fields = text.slice(text.lastIndexOf(")") + 2).trimEnd().split(" ");
  // fields[0] is field 3 of the manual page.
  const field = (number: number) => fields[number - 3];
  return {
    state: field(3),
    parentPid: Number(field(4)),
    startTimeTicks: BigInt(field(22)),
    exitStatus: Number(field(52)),
  };
}

/** Returns the `stat` fields of a process, or undefined if there is none. */
export function processStat(pid: number): ProcessStat | undefined {
  const text = readProcFile(`/proc/${pid}/stat`);
  return text === undefined ? undefined : parseProcessStat(text);
}

/** Returns when a process started, in clock ticks after boot, or undefined if there is none. */
export function processStartTime(pid: number): bigint | undefined {
  return processStat(pid)?.startTimeTicks;
}

/** Returns the capability bounding set of this process: bit N is capability N. */
export function capabilityBoundingSet(): bigint {
  return parseCapabilityBoundingSet(Deno.readTextFileSync("/proc/self/status"));
}

/** Parses the `CapBnd` line of `/proc/PID/status`. */
export function parseCapabilityBoundingSet(status: string): bigint {
  const digits = /^CapBnd:\s*([0-9a-f]+)$/m.exec(status)?.[1];
  if (digits === undefined) throw new Error("/proc/self/status has no CapBnd line");
  return BigInt(`0x${digits}`);
}

/** A resource limit of this process; `RLIM_INFINITY` means unlimited. */
export interface ResourceLimit {
  readonly soft: bigint;
  readonly hard: bigint;
}

/** Returns the limit of one of the `RLIMIT` resources (getrlimit(2)). @throws {SysError} */
export function getrlimit(resource: number): ResourceLimit {
  const limits = new BigUint64Array(2);
  // SAFETY: pid 0 is this process; limits is a struct rlimit of two 64-bit numbers, which the call fills.
  checked(libc.prlimit(0, resource, null, limits), "prlimit", `resource ${resource}`);
  return { soft: limits[0], hard: limits[1] };
}

/** Sets a limit of this process (setrlimit(2)). Raising `hard` needs CAP_SYS_RESOURCE. @throws {SysError} EPERM */
export function setrlimit(resource: number, { soft, hard }: ResourceLimit): void {
  const limits = new BigUint64Array([soft, hard]);
  // SAFETY: as for getrlimit; the call only reads it.
  checked(libc.prlimit(0, resource, limits, null), "prlimit", `resource ${resource}`);
}

/**
 * Reads a text file in a process's directory of /proc. Returns undefined if the process exited, before the open
 * (ENOENT) or before the read (ESRCH).
 * @throws {SysError} EACCES …
 */
export function readProcFile(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return undefined;
    // Deno's error doesn't distinguish ESRCH: read again, by descriptor.
    return readByDescriptor(path);
  }
}

function readByDescriptor(path: string): string | undefined {
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(4096);
  try {
    using file = new OwnedFd(files.open(cString(path), O.RDONLY));
    for (let text = "";;) {
      const count = files.read(file.fd, buffer);
      if (count === "again" || count === 0) return text + decoder.decode();
      text += decoder.decode(buffer.subarray(0, count), { stream: true });
    }
  } catch (thrown) {
    if (isErrno(thrown, "ENOENT", "ESRCH")) return undefined;
    throw thrown;
  }
}
