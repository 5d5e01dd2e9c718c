/**
 * @module
 * Runs programs of the host and reads their output. Like every child process they are started by `src/sys/` and reaped by
 * the reaper; their output goes to files, which need no concurrent reader and have no size limit.
 */
import { TsdError } from "../errors.ts";
import type { Reaper } from "./reaper.ts";
import { exists, removeIfExists } from "../io/if_exists.ts";
import { isErrno, O, type ProcessCalls } from "../sys/mod.ts";

const ENVIRONMENT = { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" };
const DEADLINE_MS = 10_000;
const SIGKILL = 9;

export interface CommandResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program until it exits. @param input its standard input */
export type HostExec = (path: string, args: readonly string[], input?: string) => Promise<CommandResult>;

/** Creates a {@link HostExec}. @param dir directory for temporary output files */
export function hostExec(
  processes: Pick<ProcessCalls, "spawn" | "kill">,
  exits: Pick<Reaper, "spawned">,
  dir: string,
): HostExec {
  let calls = 0;
  return async (path, args, input = "") => {
    const files = ["in", "out", "err"].map((name) => `${dir}/command-${calls}.${name}`);
    calls++;
    try {
      // Synchronous: for files this small, dispatching to another thread takes longer than the I/O.
      for (const [at, file] of files.entries()) writeIn(dir, file, at === 0 ? input : "");
      const pid = start(processes, path, args, files);
      const exitCode = await waitForExit(processes, exits, pid, path);
      const [, stdout, stderr] = files;
      return { exitCode, stdout: Deno.readTextFileSync(stdout), stderr: Deno.readTextFileSync(stderr) };
    } finally {
      for (const file of files) removeIfExists(file);
    }
  };
}

/** Another program may have removed the folder since the engine made it. */
function writeIn(dir: string, file: string, text: string): void {
  const write = () => Deno.writeTextFileSync(file, text, { mode: 0o600 });
  try {
    write();
  } catch (thrown) {
    if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
    Deno.mkdirSync(dir, { recursive: true, mode: 0o710 });
    write();
  }
}

function start(
  processes: Pick<ProcessCalls, "spawn">,
  path: string,
  args: readonly string[],
  [stdin, stdout, stderr]: readonly string[],
): number {
  try {
    return processes.spawn({
      path,
      argv: [path, ...args],
      env: ENVIRONMENT,
      stdio: [
        { target: 0, path: stdin, flags: O.RDONLY },
        { target: 1, path: stdout, flags: O.WRONLY },
        { target: 2, path: stderr, flags: O.WRONLY },
      ],
    });
  } catch (cause) {
    if (!isErrno(cause, "ENOENT")) throw cause;
    const missing = [stdin, stdout, stderr].find((file) => !exists(file));
    if (missing !== undefined) {
      throw new TsdError("runtime_failed", `Cannot run ${path}: ${missing} was removed`, { cause });
    }
    throw new TsdError("runtime_missing", `Cannot run ${path}: it is not there; install it first`, { cause });
  }
}

/** Waits for the exit and returns the exit code. @throws {TsdError} timeout */
async function waitForExit(
  processes: Pick<ProcessCalls, "kill">,
  exits: Pick<Reaper, "spawned">,
  pid: number,
  path: string,
): Promise<number> {
  let isOverdue = false;
  const exited = exits.spawned(pid);
  const timer = setTimeout(() => {
    isOverdue = true;
    processes.kill(pid, SIGKILL);
  }, DEADLINE_MS);
  const { exitCode } = await exited;
  clearTimeout(timer);
  if (isOverdue) throw new TsdError("timeout", `${path} did not end within ${DEADLINE_MS / 1000} s and was killed`);
  return exitCode;
}
