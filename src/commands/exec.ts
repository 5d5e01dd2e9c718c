import type { ExecCreateRequest, ExecInspect } from "../api/wire/mod.ts";
import { defineCommand, type FlagSpecs, type FlagValues, PlainError, type Terminal, UsageError } from "../cli/mod.ts";
import { whenBack } from "../client/away.ts";
import { createExec, inspectExec, reattachExec, resizeExec, runExec, startExecDetached } from "../client/execs.ts";
import type { EngineTransport, RawStream } from "../client/transport.ts";
import { isTsdError, TsdError } from "../errors.ts";
import type { CommandContext } from "./context.ts";
import { DETACH_KEYS_FLAG } from "./detach_keys_flag.ts";
import { environmentWords } from "./env_words.ts";
import { readEnvFile } from "./env_file.ts";
import { followSize } from "./proxied_signals.ts";
import { detachedError, requireTty, StdioSession } from "./stdio_session.ts";
import { timed, TIMING_FLAG } from "./timed.ts";

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
  // What the command in the container came to is told by its exit code; a failure to ask for it is 1, as with docker.
  exitCode: ({ code, meaning }) => code === "cancelled" ? meaning.exit : 1,
  examples: [{ line: "exec -i db psql <dump.sql", note: "Feed a file to a command in a running container" }],
  run: (given: CommandContext, { args: [container, ...command], flags }) =>
    timed(given, flags.timing, async (context) => {
      const { terminal, engine, clock } = context;
      const stdin = flags.interactive && !flags.detach;
      requireTty(terminal, flags.tty && stdin);
      const request = await execRequest(flags, command, terminal);
      if (flags.detach) {
        const id = await createExec(engine, container, request);
        clock?.lap("create");
        await startExecDetached(engine, id, flags.tty);
        clock?.lap("start");
        return 0;
      }
      const { id, stream } = await runExec(engine, container, request);
      clock?.lap("create");
      let found: ExecInspect | undefined;
      const again = async () => {
        found = await whenBack(() => inspectIfKnown(engine, id));
        return found?.TsdAwaited ? await streamsAgain(engine, id) : undefined;
      };
      const detachKeys = flags["detach-keys"];
      using session = new StdioSession(terminal, stream, { stdin, tty: flags.tty, detachKeys, again });
      using _size = flags.tty
        ? followSize(terminal, (rows, columns) => resizeExec(engine, id, rows, columns))
        : undefined;
      if (await session.end() === "detached") throw detachedError();
      clock?.lap("start and run");
      if (session.exitCode !== undefined) return session.exitCode;
      const exec = found ?? await inspectIfKnown(engine, id);
      clock?.lap("exit code");
      const exitCode = exec?.ExitCode ?? null;
      if (exitCode === null) {
        const what = exec === undefined
          ? "it may still run"
          : exec.Running
          ? "it still runs"
          : "it has ended, and its exit code is unknown";
        throw new TsdError("engine_unavailable", `The connection to ${command[0]} in ${container} was lost; ${what}`);
      }
      return exitCode;
    }),
});

/** Nothing where another engine is there by now, which knows nothing of it. */
async function inspectIfKnown(engine: EngineTransport, id: string): Promise<ExecInspect | undefined> {
  try {
    return await inspectExec(engine, id);
  } catch (thrown) {
    if (isTsdError(thrown, "exec_not_found")) return undefined;
    throw thrown;
  }
}

/** Nothing where another client was quicker. */
async function streamsAgain(engine: EngineTransport, id: string): Promise<RawStream | undefined> {
  try {
    return await whenBack(() => reattachExec(engine, id));
  } catch (thrown) {
    if (isTsdError(thrown, "conflict", "exec_not_found", "page_not_found")) return undefined;
    throw thrown;
  }
}

/** Of files first, so that `-e` goes before them. As with docker a wrong file is no wrong usage here. @throws {PlainError} */
async function environment(
  flags: Pick<FlagValues<typeof EXEC_FLAGS>, "env" | "env-file">,
  env: Terminal["env"],
): Promise<string[]> {
  const words = environmentWords(flags.env, env);
  try {
    return [...(await Promise.all(flags["env-file"].map((path) => readEnvFile(path, env)))).flat(), ...words];
  } catch (thrown) {
    throw thrown instanceof UsageError ? new PlainError(thrown.message) : thrown;
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
