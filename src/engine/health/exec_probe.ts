/**
 * @module
 * Probes by exec: the command runs in the container like any other exec'd process (and the events tell of it as such). The
 * runtime makes each of these the leader of a session, so a probe is killed with all that it has started there.
 */
import type { ExecCreateRequest } from "../../api_types/mod.ts";
import { isErrno, type ProcessCalls } from "../../sys/mod.ts";
import type { RunningExec } from "../exec/exec_service.ts";
import { LimitedOutput, type Probe } from "./probe.ts";

const SIGKILL = 9;

/** The part of the exec service that probes need. */
export interface ProbeExecs {
  /** Resolves once the command runs. @throws {TsdError} when it can't */
  run(containerId: string, request: ExecCreateRequest, output: (bytes: Uint8Array) => void): Promise<RunningExec>;
}

export interface ExecProbeDeps {
  readonly execs: ProbeExecs;
  readonly processes: Pick<ProcessCalls, "kill">;
}

/** A probe that runs `command` in a container. */
export function execProbe({ execs, processes }: ExecProbeDeps, containerId: string, command: readonly string[]): Probe {
  return async (signal, started) => {
    const output = new LimitedOutput();
    const run = await execs.run(containerId, { Cmd: command, AttachStdout: true, AttachStderr: true }, (bytes) => {
      output.write(bytes);
    });
    started();
    const kill = () => {
      if (run.isRunning()) killGroup(processes, run.pid);
    };
    signal.addEventListener("abort", kill);
    try {
      if (signal.aborted) kill();
      return { exitCode: await run.exitCode, output: output.text };
    } finally {
      signal.removeEventListener("abort", kill);
    }
  };
}

/** SIGKILL to a process that leads a group, and to the group; to it alone where it doesn't. */
function killGroup(processes: Pick<ProcessCalls, "kill">, pid: number): void {
  for (const target of [-pid, pid]) {
    try {
      return processes.kill(target, SIGKILL);
    } catch (thrown) {
      if (!isErrno(thrown, "ESRCH")) throw thrown;
    }
  }
}
