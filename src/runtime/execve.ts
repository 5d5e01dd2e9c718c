/**
 * @module
 * Detects when a runtime's init process has executed the container's program. Until execve(2) has completed, the init
 * process handles signals (Go's runtime handles all of them), and its descriptors are closed slightly earlier. So
 * neither the end of `exec.fifo` nor the runtime's exit proves that the program runs; the process's image in /proc
 * does.
 */
import { processStat, readProcFile } from "../sys/mod.ts";

/** The program that a process executes. */
export interface ProcessImage {
  /** Contents of `/proc/PID/cmdline`: arguments, each followed by a NUL. Empty during execve(2). */
  readonly cmdline: string;
  /** Device and inode of `/proc/PID/exe`. */
  readonly exe: string;
}

/** Access to processes in /proc. */
export interface ExecveCalls {
  /** Returns undefined if the process doesn't exist or is a zombie. */
  image(pid: number): ProcessImage | undefined;
}

const PROC: ExecveCalls = { image: processImage };

/** Returns the program that a process executes; undefined if the process has exited. */
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

/**
 * Returns whether a command line is that of runc's init process, which has not executed the container's program yet.
 */
export const isRuncInit = (cmdline: string): boolean => /(?:^|\/)runc[^/\0]*\0init\0$/.test(cmdline);

/** execve(2) takes about a millisecond, and longer only if no core is free. */
const TIMEOUT_MS = 1000;
const POLL_MS = 1;

/**
 * Resolves once an init process has executed its program, or has exited. Also resolves after `timeoutMs` (default one
 * second), because a container's program may be the runtime itself with the same arguments.
 * @param pid the process, in the engine's pid namespace
 * @param init the image of the process while it waited for its start; without it, any image that looks like runc's init
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
