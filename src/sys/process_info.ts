/**
 * @module
 * Facts about processes from /proc, and resource limits.
 */
import { checked } from "./check.ts";
import { cString } from "./cstring.ts";
import { isErrno } from "./errno.ts";
import { files } from "./files.ts";
import { O } from "./flags.ts";
import { libc } from "./libc.ts";
import { OwnedFd } from "./owned_fd.ts";

/** A part of `/proc/PID/stat` (proc_pid_stat(5)). */
export interface ProcessStat {
  /** One letter: `R`, `S`, `D`, `Z` (ended, not yet waited for) … */
  readonly state: string;
  readonly parentPid: number;
  /** Field 22: clock ticks after boot. Together with the pid it names a process for good. */
  readonly startTimeTicks: bigint;
  /** Field 52: the status of wait(2), true only of a zombie, and 0 for a reader without ptrace rights. */
  readonly exitStatus: number;
}

/** Reads the text of `/proc/PID/stat`; the name in it may hold spaces and parentheses. */
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

/** The facts about a process, or undefined when there is none. */
export function processStat(pid: number): ProcessStat | undefined {
  const text = readProcFile(`/proc/${pid}/stat`);
  return text === undefined ? undefined : parseProcessStat(text);
}

/** When a process started, in clock ticks after boot, or undefined when there is none. */
export function processStartTime(pid: number): bigint | undefined {
  return processStat(pid)?.startTimeTicks;
}

/** The capabilities that this process and its children can ever have: bit N is capability N. */
export function capabilityBoundingSet(): bigint {
  return parseCapabilityBoundingSet(Deno.readTextFileSync("/proc/self/status"));
}

/** The `CapBnd` line of `/proc/PID/status`. */
export function parseCapabilityBoundingSet(status: string): bigint {
  const digits = /^CapBnd:\s*([0-9a-f]+)$/m.exec(status)?.[1];
  if (digits === undefined) throw new Error("/proc/self/status has no CapBnd line");
  return BigInt(`0x${digits}`);
}

/** A limit of this process; `RLIM_INFINITY` means none. */
export interface ResourceLimit {
  readonly soft: bigint;
  readonly hard: bigint;
}

/** getrlimit(2) for one of the `RLIMIT` resources. @throws SysError */
export function getrlimit(resource: number): ResourceLimit {
  const limits = new BigUint64Array(2);
  // SAFETY: pid 0 is this process; limits is a struct rlimit of two 64-bit numbers, which the call fills.
  checked(libc.prlimit(0, resource, null, limits), "prlimit", `resource ${resource}`);
  return { soft: limits[0], hard: limits[1] };
}

/** setrlimit(2) for this process. Raising `hard` needs CAP_SYS_RESOURCE. @throws SysError EPERM */
export function setrlimit(resource: number, { soft, hard }: ResourceLimit): void {
  const limits = new BigUint64Array([soft, hard]);
  // SAFETY: as for getrlimit; the call only reads it.
  checked(libc.prlimit(0, resource, limits, null), "prlimit", `resource ${resource}`);
}

/**
 * The text of a file in a process's folder of /proc, or undefined when the process is gone: before the opening (ENOENT) or
 * before the reading (ESRCH).
 * @throws SysError EACCES …
 */
export function readProcFile(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return undefined;
    // Deno's error doesn't tell ESRCH from others: the same again, by descriptor.
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
