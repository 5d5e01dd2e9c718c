/**
 * @module
 * The `process` object: of a container's first process, and of a further one that exec starts.
 */
import { grantCapabilities, unavailableWarning } from "./capabilities.ts";
import type { HostInfo } from "./host.ts";
import type { ProcessPrivileges, ProcessStart, ProcessUser } from "./input.ts";
import type { OciProcess } from "./oci.ts";
import { rlimits } from "./rlimits.ts";

/** Everything that a process section needs. */
export interface ProcessInput extends ProcessStart, ProcessPrivileges {
  readonly user: ProcessUser;
  readonly host: HostInfo;
}

/**
 * A process to start in a running container. The privileges are the container's; `execPrivileged` (`exec --privileged`)
 * adds all capabilities to them, and nothing else.
 */
export interface ExecInput extends ProcessInput {
  readonly execPrivileged: boolean;
}

/** A process section, and what could not be had as it was asked for. */
export interface GeneratedProcess {
  readonly process: OciProcess;
  readonly warnings: readonly string[];
}

/** The contents of the file for `runc exec --process`. The seccomp filter is the container's: runc adds it. */
export function execProcess(input: ExecInput): GeneratedProcess {
  return processSection({ ...input, privileged: input.privileged || input.execPrivileged });
}

/**
 * The process section. Permitted and effective sets are the same for every user: for others than root the kernel clears
 * them at execve, and until then they let runc start a program in a folder that only root can enter.
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

/** Lowering the score takes CAP_SYS_RESOURCE; asking runc for what can't be had would fail the whole container. */
function oomScore({ oomScoreAdj = 0, host }: ProcessInput): { score: number; warnings: string[] } {
  if (oomScoreAdj >= host.oomScoreAdjMin) return { score: oomScoreAdj, warnings: [] };
  const lowest = host.oomScoreAdjMin;
  const warning = `This machine allows no oom score adj below ${lowest}, which is used instead of ${oomScoreAdj}`;
  return { score: lowest, warnings: oomScoreAdj === 0 ? [] : [warning] };
}
