/**
 * @module
 * Calls of the OCI runtime that a killed engine was waiting for: they go on without it. What they make has to be there
 * before the next engine looks at what was left, or it would come into being behind its back.
 */
import type { Log } from "../../log.ts";
import { isErrno, OwnedFd, type ProcessCalls, processStartTime, readProcFile, SIG } from "../../sys/mod.ts";

/** How long they may take, in ms; mostly it is a few dozen. */
const TIMEOUT_MS = 3000;

interface OrphanedCall {
  readonly pid: number;
  /** Field 22 of /proc/PID/stat. */
  readonly startTicks: string;
}

export interface OrphanedRuntimesDeps {
  readonly processes: Pick<ProcessCalls, "pidfdOpen" | "pidfdSendSignal">;
  readonly log: Log;
  /** Resolves when a process has ended. */
  readonly ended: (process: OrphanedCall) => Promise<void>;
  readonly timeoutMs?: number;
}

/** Waits for the calls that work in this state folder, and kills what takes too long. Looks at every process: 20 µs each. */
export async function settleOrphanedRuntimes(stateRoot: string, deps: OrphanedRuntimesDeps): Promise<void> {
  const { log, ended, timeoutMs = TIMEOUT_MS } = deps;
  const calls = callsIn(stateRoot);
  if (calls.length === 0) return;
  const removed = Promise.all(calls.map(ended));
  const late = Promise.withResolvers<void>();
  const timer = setTimeout(() => {
    log.warn("calls of the runtime that a former engine began don't end", { pids: calls.map(({ pid }) => pid).join() });
    for (const call of calls) kill(call, stateRoot, deps);
    late.resolve();
  }, timeoutMs);
  await Promise.race([removed, late.promise]);
  clearTimeout(timer);
  await removed;
}

function callsIn(stateRoot: string): OrphanedCall[] {
  const found: OrphanedCall[] = [];
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

function kill({ pid }: OrphanedCall, stateRoot: string, { processes }: OrphanedRuntimesDeps): void {
  try {
    using pidFd = new OwnedFd(processes.pidfdOpen(pid));
    // Asked after the opening: what has these words now is what the descriptor names.
    if (isCall(pid, stateRoot)) processes.pidfdSendSignal(pidFd.fd, SIG.KILL);
  } catch (thrown) {
    if (!isErrno(thrown, "ESRCH")) throw thrown;
  }
}
