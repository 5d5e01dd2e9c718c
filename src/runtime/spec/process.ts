/**
 * @module
 * Generates the `process` object of a container's init process and of exec processes.
 */
import { grantCapabilities, unavailableWarning } from "./capabilities.ts";
import type { HostInfo } from "./host.ts";
import type { ProcessPrivileges, ProcessStart, ProcessUser } from "./input.ts";
import type { OciProcess } from "./oci.ts";
import { rlimits } from "./rlimits.ts";

/** The input of a process section. */
export interface ProcessInput extends ProcessStart, ProcessPrivileges {
  readonly user: ProcessUser;
  readonly host: HostInfo;
}

/**
 * A process to start in a running container. It has the container's privileges; `execPrivileged` (`exec --privileged`)
 * adds only all capabilities.
 */
export interface ExecInput extends ProcessInput {
  readonly execPrivileged: boolean;
}

/** A process section, and warnings about settings that this machine doesn't support. */
export interface GeneratedProcess {
  readonly process: OciProcess;
  readonly warnings: readonly string[];
}

/** Generates the `process` object for `runc exec --process`. runc adds the container's seccomp filter. */
export function execProcess(input: ExecInput): GeneratedProcess {
  return processSection({ ...input, privileged: input.privileged || input.execPrivileged });
}

/**
 * Generates the process section. The permitted and effective sets are the same for every user: for users other than
 * root the kernel clears them at execve(2), and until then they let runc start a program in a directory that only root
 * can enter.
 */
export function processSection(input: ProcessInput): GeneratedProcess {
  const { granted, unavailable } = grantCapabilities({ ...input, ...input.host });
  const limits = rlimits(input.ulimits ?? [], input.host.rlimitHardCaps);
  const oom = oomScore(input);
  const { apparmorProfile, consoleSize, tty } = input;
  const process: OciProcess = {
    terminal: tty,
    ...tty && consoleSize ? { consoleSize: { height: consoleSize.rows, width: consoleSize.columns } } : {},
    user: ociUser(input.user),
    args: input.args,
    env: input.env,
    cwd: input.cwd,
    capabilities: { bounding: granted, effective: granted, permitted: granted },
    ...limits.rlimits.length > 0 ? { rlimits: limits.rlimits } : {},
    noNewPrivileges: input.noNewPrivileges ?? false,
    ...apparmorProfile === undefined ? {} : { apparmorProfile },
    oomScoreAdj: oom.score,
  };
  return { process, warnings: [...unavailableWarning(unavailable), ...limits.warnings, ...oom.warnings] };
}

function ociUser({ uid, gid, additionalGids, umask }: ProcessUser): OciProcess["user"] {
  return { uid, gid, ...umask === undefined ? {} : { umask }, additionalGids };
}

/** Raises the score to the minimum of this machine: without CAP_SYS_RESOURCE a lower one would make runc fail. */
function oomScore({ oomScoreAdj = 0, host }: ProcessInput): { score: number; warnings: string[] } {
  if (oomScoreAdj >= host.oomScoreAdjMin) return { score: oomScoreAdj, warnings: [] };
  const lowest = host.oomScoreAdjMin;
  const warning = `This machine allows no oom score adj below ${lowest}, which is used instead of ${oomScoreAdj}`;
  return { score: lowest, warnings: oomScoreAdj === 0 ? [] : [warning] };
}
