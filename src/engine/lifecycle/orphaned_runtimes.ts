/**
 * @module
 * Calls of the OCI runtime that a killed engine was waiting for: they go on without it. What they make has to be there
 * before the next engine looks at what was left, or it would come into being behind its back.
 */
import type { Log } from "../../log.ts";
import { isErrno, OwnedFd, type ProcessCalls, processStartTime, readProcFile, SIG } from "../../sys/mod.ts";

/** How long they may take, in ms; mostly it is a few dozen. */
const PATIENCE_MS = 3000;

interface LeftCall {
  readonly pid: number;
  /** Field 22 of /proc/PID/stat. */
  readonly startTicks: string;
}

export interface LeftRuntimesDeps {
  readonly processes: Pick<ProcessCalls, "pidfdOpen" | "pidfdSendSignal">;
  readonly log: Log;
  /** Resolves when a process has ended. */
  readonly ended: (process: LeftCall) => Promise<void>;
  readonly patienceMs?: number;
}

/** Waits for the calls that work in this state folder, and kills what takes too long. Looks at every process: 20 µs each. */
export async function settleLeftRuntimes(stateRoot: string, deps: LeftRuntimesDeps): Promise<void> {
  const { log, ended, patienceMs = PATIENCE_MS } = deps;
  const calls = callsIn(stateRoot);
  if (calls.length === 0) return;
  const gone = Promise.all(calls.map(ended));
  const late = Promise.withResolvers<void>();
  const timer = setTimeout(() => {
    log.warn("calls of the runtime that a former engine began don't end", { pids: calls.map(({ pid }) => pid).join() });
    for (const call of calls) kill(call, stateRoot, deps);
    late.resolve();
  }, patienceMs);
  await Promise.race([gone, late.promise]);
  clearTimeout(timer);
  await gone;
}

function callsIn(stateRoot: string): LeftCall[] {
  const found: LeftCall[] = [];
  for (const { name } of Deno.readDirSync("/proc")) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || !isCall(pid, stateRoot)) continue;
    const startTicks = processStartTime(pid);
    if (startTicks !== undefined) found.push({ pid, startTicks: String(startTicks) });
  }
  return found;
}

/** `runc --root STATE_ROOT …`; nobody else has such words on its command line. */
const isCall = (pid: number, stateRoot: string): boolean =>
  readProcFile(`/proc/${pid}/cmdline`)?.includes(`\0--root\0${stateRoot}\0`) ?? false;

function kill({ pid }: LeftCall, stateRoot: string, { processes }: LeftRuntimesDeps): void {
  try {
    using pidFd = new OwnedFd(processes.pidfdOpen(pid));
    // Asked after the opening: what has these words now is what the descriptor names.
    if (isCall(pid, stateRoot)) processes.pidfdSendSignal(pidFd.fd, SIG.KILL);
  } catch (thrown) {
    if (!isErrno(thrown, "ESRCH")) throw thrown;
  }
}
