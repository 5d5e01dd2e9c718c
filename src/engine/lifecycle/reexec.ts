/**
 * @module
 * An engine that executes itself anew (`tsd daemon reload`) stays the same process: what it holds on to is named in a file
 * of its run folder, which means nothing to any other process.
 */
import type { Exit } from "../containers/supervisor.ts";
import type { ExecNote } from "../exec/exec.ts";
import type { HeldFds } from "../../runtime/fd_holder.ts";
import type { AttachedOutput } from "../../runtime/logs/reattach.ts";
import { OwnedFd, pipes, processStartTime, selfProcess, SIG } from "../../sys/mod.ts";

/** What is known of things that are under way. Plain JSON. */
export interface ReexecState {
  /** Outputs that clients are attached to, who will be back. */
  readonly outputs: readonly AttachedOutput[];
  /** Ends of containers that were seen and are not recorded yet. */
  readonly exits: Readonly<Record<string, Exit>>;
  readonly execs: readonly ExecNote[];
  /** A client other than tsd's has used the engine, so that it doesn't leave by itself. */
  readonly hasOtherClients: boolean;
}

/** What survives an execve(2). */
export interface Reexec {
  /** Of the run folder. */
  readonly lock: OwnedFd;
  /** The socket on which clients come in, and wait meanwhile. */
  readonly listener: OwnedFd;
  /** Streams of execs that run, most of which have no keeper. */
  readonly execStreams: Readonly<Record<string, HeldFds<OwnedFd>>>;
  readonly notes: ReexecState;
}

/** What is handed on; descriptors stay the caller's. */
export interface Departing extends Omit<Reexec, "execStreams"> {
  readonly execFds: Readonly<Record<string, HeldFds<number>>>;
}

interface ReexecFile {
  readonly pid: number;
  readonly startTicks: string;
  readonly lock: number;
  readonly listener: number;
  readonly execFds: Readonly<Record<string, HeldFds<number>>>;
  readonly notes: ReexecState;
}

/** Shells use lower numbers for themselves. */
const LEAST_FD = 64;

const fileIn = (runDir: string) => `${runDir}/handover`;
const startTicks = () => String(processStartTime(Deno.pid));

/** To be followed by {@link reexecute}: from now on the descriptors stay open whatever happens. */
export function passOn(runDir: string, { lock, listener, execFds, notes }: Departing): void {
  const kept = (fd: number) => {
    const duplicate = pipes.duplicate(fd, LEAST_FD);
    pipes.setCloseOnExec(duplicate, false);
    return duplicate;
  };
  const file: ReexecFile = {
    pid: Deno.pid,
    startTicks: startTicks(),
    lock: kept(lock.fd),
    listener: kept(listener.fd),
    execFds: eachHeld(execFds, kept),
    notes,
  };
  Deno.writeTextFileSync(fileIn(runDir), JSON.stringify(file), { mode: 0o600 });
}

/** What this very process has handed on to itself; undefined when it was started in the usual way. */
export function takeOver(runDir: string): Reexec | undefined {
  const file = read(fileIn(runDir));
  if (file === undefined || file.pid !== Deno.pid || file.startTicks !== startTicks()) return undefined;
  Deno.removeSync(fileIn(runDir));
  return {
    lock: owned(file.lock),
    listener: owned(file.listener),
    execStreams: eachHeld(file.execFds, owned),
    notes: file.notes,
  };
}

function eachHeld<To>(
  held: Readonly<Record<string, HeldFds<number>>>,
  to: (fd: number) => To,
): Record<string, HeldFds<To>> {
  const converted = Object.entries(held).map(([id, fds]) => {
    return [id, Object.fromEntries(Object.entries(fds).map(([name, fd]) => [name, to(fd)]))];
  });
  return Object.fromEntries(converted);
}

/** Becomes another program, or another version of this one. It returns only by throwing. @throws {SysError} */
export function reexecute([path, ...args]: readonly string[], env: Readonly<Record<string, string>>): never {
  // Whoever asks again meanwhile must not end it.
  selfProcess.ignoreSignal(SIG.HUP);
  return selfProcess.execve(path, [path, ...args], env);
}

function owned(fd: number): OwnedFd {
  pipes.setCloseOnExec(fd, true);
  return new OwnedFd(fd);
}

function read(path: string): ReexecFile | undefined {
  try {
    return JSON.parse(Deno.readTextFileSync(path));
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound || thrown instanceof SyntaxError) return undefined;
    throw thrown;
  }
}
