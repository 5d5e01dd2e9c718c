/**
 * @module
 * From a runtime's init to the program that it executes. Until execve(2) has taken place the init handles signals (Go's
 * runtime handles all of them), and it closes its descriptors just before; so neither the end of `exec.fifo` nor the
 * runtime's own exit tells that the container's program runs. What the process executes does.
 */
import { processStat, readProcFile } from "../sys/mod.ts";

/** What a process executes. */
export interface ProcessImage {
  /** Contents of `/proc/PID/cmdline`: arguments, each with a NUL behind it. Empty in the middle of execve(2). */
  readonly cmdline: string;
  /** Device and inode of `/proc/PID/exe`. */
  readonly exe: string;
}

/** What is read of a process below /proc. */
export interface ExecveCalls {
  /** Undefined if there is no such process, or it has ended and waits to be reaped. */
  image(pid: number): ProcessImage | undefined;
}

const PROC: ExecveCalls = { image: processImage };

/** What a process executes now; undefined if it has ended. */
export function processImage(pid: number): ProcessImage | undefined {
  const cmdline = readProcFile(`/proc/${pid}/cmdline`);
  if (cmdline === undefined || (cmdline === "" && hasEnded(pid))) return undefined;
  try {
    const { dev, ino } = Deno.statSync(`/proc/${pid}/exe`);
    return { cmdline, exe: `${dev}:${ino}` };
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return undefined;
    throw thrown;
  }
}

const hasEnded = (pid: number): boolean => ["Z", "X", undefined].includes(processStat(pid)?.state);

/** Whether a process is what runc makes, which executes the container's program later. */
export const isRuncInit = (cmdline: string): boolean => /(?:^|\/)runc[^/\0]*\0init\0$/.test(cmdline);

/** execve(2) takes about a millisecond, and longer only where no core is free. */
const TIMEOUT_MS = 1000;
const POLL_MS = 1;

/**
 * Resolves once a process that is about to execute its program does so, or has ended. After a second it resolves as well:
 * a container's program may be the runtime's, with the same arguments.
 * @param pid the process, in the engine's pid namespace
 * @param init what it executed when it waited for its start; without it, whatever looks like runc's init
 */
export async function untilExecuted(
  pid: number,
  init?: ProcessImage,
  { timeoutMs = TIMEOUT_MS, calls = PROC } = {},
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (isInit(calls.image(pid), init) && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

function isInit(now: ProcessImage | undefined, init: ProcessImage | undefined): boolean {
  if (now === undefined) return false;
  if (now.cmdline === "") return true;
  return init === undefined ? isRuncInit(now.cmdline) : now.cmdline === init.cmdline && now.exe === init.exe;
}
