/** Whether an engine that is about to become another program would be able to. */
import { toTsdError } from "../../errors.ts";
import type { Reaper } from "../../runtime/reaper.ts";
import { O, type ProcessCalls, SIG } from "../../sys/mod.ts";

const LIMIT_MS = 20_000;
const NULL_STDIO = [0, 1, 2].map((target) => ({ target, path: "/dev/null", flags: O.RDWR }));

/**
 * Lets the program say its version, which also unpacks it where that is needed. What is wrong with it, or nothing.
 * @param command starts with an absolute path
 */
export async function canStart(
  command: readonly string[] | undefined,
  env: Readonly<Record<string, string>>,
  processes: Pick<ProcessCalls, "spawn" | "kill">,
  exits: Pick<Reaper, "spawned">,
): Promise<string | undefined> {
  if (command === undefined) return "this engine is part of another program";
  const [path] = command;
  const program = command.slice(0, command.indexOf("daemon"));
  try {
    const pid = processes.spawn({ path, argv: [...program, "--version"], env, stdio: NULL_STDIO, cwd: "/" });
    const timer = setTimeout(() => processes.kill(pid, SIG.KILL), LIMIT_MS);
    const { exitCode } = await exits.spawned(pid);
    clearTimeout(timer);
    return exitCode === 0 ? undefined : `${path} --version ended with ${exitCode}`;
  } catch (thrown) {
    return toTsdError(thrown).message;
  }
}
