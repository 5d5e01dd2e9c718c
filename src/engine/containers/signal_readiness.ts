/**
 * @module
 * Signals for programs that have only just begun. The first process of a pid namespace gets no signal for which it has no
 * handler (pid_namespaces(7)), and a program needs a moment to install its handlers: a stop right after a start would be
 * lost. So a signal for a young container that would be lost waits until it isn't, for a short time.
 */
import { readProcFile } from "../../sys/mod.ts";

/** A container is young for this long after its start, in milliseconds; an older one without a handler means that. */
const YOUNG_MS = 250;
const POLL_MS = 2;

/** SIGKILL and SIGSTOP have no handlers and are never lost. */
const UNBLOCKABLE: ReadonlySet<number> = new Set([9, 19]);

/** Contents of `/proc/PID/status` (proc_pid_status(5)); undefined if there is no such process. */
export type ReadStatus = (pid: number) => string | undefined;

const readStatus: ReadStatus = (pid) => readProcFile(`/proc/${pid}/status`);

/** A container's first process, as signals look at it. */
export interface SignalTarget {
  readonly pid: number;
  /** When it began to execute its program, in milliseconds as `performance.now()` counts. */
  readonly startedAtMs: number;
}

/**
 * Resolves once the process would get a signal, has ended, or isn't young any more.
 * @param limitMs longest time to wait, in milliseconds
 */
export async function untilReceptive(
  { pid, startedAtMs }: SignalTarget,
  signal: number,
  limitMs = YOUNG_MS,
  read: ReadStatus = readStatus,
): Promise<void> {
  if (UNBLOCKABLE.has(signal)) return;
  const deadline = Math.min(startedAtMs + YOUNG_MS, performance.now() + limitMs);
  while (performance.now() < deadline && loses(read(pid) ?? "", signal)) {
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/**
 * Whether the kernel would drop a signal that is sent to a process from outside of its pid namespace: it is the first one
 * there, and the signal is neither caught nor blocked. One that is ignored on purpose isn't lost.
 * @param status contents of `/proc/PID/status`
 */
export function loses(status: string, signal: number): boolean {
  const [outer, ...inner] = /^NSpid:\s*(.*)$/m.exec(status)?.[1]?.trim().split(/\s+/) ?? [];
  if (outer === undefined || inner.at(-1) !== "1") return false;
  const bit = 1n << BigInt(signal - 1);
  return ["SigBlk", "SigIgn", "SigCgt"].every((name) => (maskOf(status, name) & bit) === 0n);
}

function maskOf(status: string, name: string): bigint {
  const digits = new RegExp(`^${name}:\\s*([0-9a-f]+)$`, "m").exec(status)?.[1];
  return digits === undefined ? 0n : BigInt(`0x${digits}`);
}
