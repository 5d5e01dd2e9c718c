import type { ExecCreateRequest } from "../../api_types/mod.ts";
import {
  defineCommand,
  type FlagSpecs,
  type FlagValues,
  StatusError,
  type Terminal,
  UsageError,
} from "../../cli/mod.ts";
import type { CommandContext } from "../context.ts";
import { DETACH_KEYS_FLAG } from "../opts/detach_keys.ts";
import { environmentStrings } from "../opts/env.ts";
import { readEnvFile } from "../opts/env_file.ts";
import { attachToExec } from "./attached_exec.ts";
import { requireTty } from "../stdio_session.ts";
import { timed, TIMING_FLAG } from "../timed.ts";

const EXEC_FLAGS = {
  ...DETACH_KEYS_FLAG,
  ...TIMING_FLAG,
  detach: { type: "bool", short: "d", help: "Detached mode: run command in the background" },
  env: { type: "list", short: "e", help: "Set environment variables" },
  "env-file": { type: "list", help: "Read in a file of environment variables" },
  interactive: { type: "bool", short: "i", help: "Keep STDIN open even if not attached" },
  privileged: { type: "bool", help: "Give extended privileges to the command" },
  tty: { type: "bool", short: "t", help: "Allocate a pseudo-TTY" },
  user: { type: "string", short: "u", help: "Username or UID (format: <name|uid>[:<group|gid>])" },
  workdir: { type: "string", short: "w", help: "Working directory inside the container" },
} as const satisfies FlagSpecs;

/** `tsd exec`. */
export const exec = defineCommand({
  usage: "[OPTIONS] CONTAINER COMMAND [ARG...]",
  args: { min: 2 },
  flags: EXEC_FLAGS,
  flagsFirst: true,
  // The exit code is that of the command in the container; a failure to run it gives 1, as with docker.
  exitCode: ({ code, meaning }) => code === "cancelled" ? meaning.exit : 1,
  needsClientProcess: ["interactive", "tty", "env-file"],
  examples: [{ line: "exec -i db psql <dump.sql", note: "Feed a file to a command in a running container" }],
  run: (baseContext: CommandContext, { args: [container, ...command], flags }) =>
    timed(baseContext, flags.timing, async (context) => {
      const { terminal, engine, clock } = context;
      const stdin = flags.interactive && !flags.detach;
      requireTty(terminal, flags.tty && stdin);
      const request = await execRequest(flags, command, terminal);
      if (flags.detach) {
        const exec = await engine.containers.get(container).createExec(request);
        clock?.lap("create");
        await exec.startDetached(flags.tty);
        clock?.lap("start");
        return 0;
      }
      const { exec, stream } = await engine.containers.get(container).attachExec(request);
      clock?.lap("create");
      terminal.host?.resumeAs(["__resume", "exec", exec.id]);
      return await attachToExec(context, exec, stream, {
        ...{ stdin, tty: flags.tty, detachKeys: flags["detach-keys"] },
        what: `${command[0]} in ${container}`,
      });
    }),
});

/**
 * Returns the environment: variables of files first, so that `-e` overrides them. As in docker, an invalid file is not a usage
 * error here. @throws {StatusError}
 */
async function environment(
  flags: Pick<FlagValues<typeof EXEC_FLAGS>, "env" | "env-file">,
  env: Terminal["env"],
): Promise<string[]> {
  const words = environmentStrings(flags.env, env);
  try {
    return [...(await Promise.all(flags["env-file"].map((path) => readEnvFile(path, env)))).flat(), ...words];
  } catch (thrown) {
    throw thrown instanceof UsageError ? new StatusError(thrown.message) : thrown;
  }
}

async function execRequest(
  flags: FlagValues<typeof EXEC_FLAGS>,
  command: string[],
  terminal: Pick<Terminal, "env" | "size">,
): Promise<ExecCreateRequest> {
  const request: ExecCreateRequest = {
    AttachStdin: flags.interactive && !flags.detach,
    AttachStdout: !flags.detach,
    AttachStderr: !flags.detach,
    Tty: flags.tty,
    Privileged: flags.privileged,
    Env: await environment(flags, (name) => terminal.env(name)),
    Cmd: command,
  };
  const size = terminal.size();
  if (flags.tty && size !== undefined) request.ConsoleSize = [size.rows, size.columns];
  if (flags["detach-keys"] !== undefined) request.DetachKeys = flags["detach-keys"];
  if (flags.user !== undefined) request.User = flags.user;
  if (flags.workdir !== undefined) request.WorkingDir = flags.workdir;
  return request;
}
