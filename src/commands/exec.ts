import type { ExecCreateRequest } from "../api/wire/mod.ts";
import { defineCommand, type FlagSpecs, type FlagValues, type Terminal } from "../cli/mod.ts";
import { createExec, inspectExec, resizeExec, startExec, startExecDetached } from "../client/execs.ts";
import type { EngineTransport } from "../client/transport.ts";
import { isTsdError, TsdError } from "../errors.ts";
import type { CommandContext } from "./context.ts";
import { DETACH_KEYS_FLAG } from "./create_flags.ts";
import { environmentWords } from "./create_request.ts";
import { followSize } from "./proxied_signals.ts";
import { detachedError, requireTty, StdioSession } from "./stdio_session.ts";
import { timed, TIMING_FLAG } from "./timed.ts";

const EXEC_FLAGS = {
  ...DETACH_KEYS_FLAG,
  ...TIMING_FLAG,
  detach: { type: "bool", short: "d", help: "Detached mode: run command in the background" },
  env: { type: "list", short: "e", help: "Set environment variables" },
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
  examples: [{ line: "exec -i db psql <dump.sql", note: "Feed a file to a command in a running container" }],
  run: (given: CommandContext, { args: [container, ...command], flags }) =>
    timed(given, flags.timing, async (context) => {
      const { terminal, engine, clock } = context;
      const stdin = flags.interactive && !flags.detach;
      requireTty(terminal, flags.tty && stdin);
      const request = execRequest(flags, command, terminal);
      const id = await createExec(engine, container, request);
      clock?.lap("create");
      if (flags.detach) {
        await startExecDetached(engine, id, flags.tty);
        clock?.lap("start");
        return 0;
      }
      const stream = await startExec(engine, id, { Detach: false, Tty: flags.tty });
      clock?.lap("connect to its streams");
      using session = new StdioSession(terminal, stream, { stdin, tty: flags.tty, detachKeys: flags["detach-keys"] });
      using _size = flags.tty
        ? followSize(terminal, (rows, columns) => resizeExec(engine, id, rows, columns))
        : undefined;
      if (await session.end() === "detached") throw detachedError();
      clock?.lap("start and run");
      const exitCode = await exitCodeOf(engine, id);
      clock?.lap("exit code");
      if (exitCode === null) {
        throw new TsdError(
          "engine_unavailable",
          `The connection to ${command[0]} in ${container} was lost; it may still run`,
        );
      }
      return exitCode;
    }),
});

/** Null: it still runs, or another engine is there by now, which knows nothing of it. */
async function exitCodeOf(engine: EngineTransport, id: string): Promise<number | null> {
  try {
    return (await inspectExec(engine, id)).ExitCode;
  } catch (thrown) {
    if (isTsdError(thrown, "exec_not_found")) return null;
    throw thrown;
  }
}

function execRequest(
  flags: FlagValues<typeof EXEC_FLAGS>,
  command: string[],
  terminal: Pick<Terminal, "env" | "size">,
): ExecCreateRequest {
  const request: ExecCreateRequest = {
    AttachStdin: flags.interactive && !flags.detach,
    AttachStdout: !flags.detach,
    AttachStderr: !flags.detach,
    Tty: flags.tty,
    Privileged: flags.privileged,
    Env: environmentWords(flags.env, (name) => terminal.env(name)),
    Cmd: command,
  };
  const size = terminal.size();
  if (flags.tty && size !== undefined) request.ConsoleSize = [size.rows, size.columns];
  if (flags["detach-keys"] !== undefined) request.DetachKeys = flags["detach-keys"];
  if (flags.user !== undefined) request.User = flags.user;
  if (flags.workdir !== undefined) request.WorkingDir = flags.workdir;
  return request;
}
