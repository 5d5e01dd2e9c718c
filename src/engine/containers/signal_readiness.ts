/**
 * @module
 * Delays signals to programs that have just been started. The init process of a pid namespace gets no signal that it
 * has no handler for (pid_namespaces(7)), and a program needs some time to install its handlers, so that a stop right
 * after a start would be lost. Therefore a signal to a young container waits until it would not be lost, for a short
 * time.
 */
import { readProcFile } from "../../sys/mod.ts";

/** How long a container is young after its start, in ms. An older one has no handler on purpose. */
const YOUNG_MS = 250;
const POLL_MS = 2;

/** SIGKILL and SIGSTOP have no handlers and are never lost. */
const UNBLOCKABLE: ReadonlySet<number> = new Set([9, 19]);

/** Returns the contents of `/proc/PID/status` (proc_pid_status(5)); undefined if the process doesn't exist. */
export type ReadStatus = (pid: number) => string | undefined;

const readStatus: ReadStatus = (pid) => readProcFile(`/proc/${pid}/status`);

/** The init process of a container that gets a signal. */
export interface SignalTarget {
  readonly pid: number;
  /** When it started to execute its program, in ms of `performance.now()`. */
  readonly startedAtMs: number;
}

/**
 * Resolves once the process can receive a signal, has exited, or is no longer young.
 * @param limitMs maximum time to wait, in ms
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
 * Returns whether the kernel would drop a signal that is sent from outside of the process's pid namespace: if it is the
 * init process there, and the signal is neither caught nor blocked. A signal that is explicitly ignored is not lost.
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
