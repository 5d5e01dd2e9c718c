import type { ExecCreateRequest } from "../api/wire/mod.ts";
import { defineCommand } from "../cli/mod.ts";
import { createExec, inspectExec, resizeExec, startExec, startExecDetached } from "../client/execs.ts";
import { TsdError } from "../errors.ts";
import type { CommandContext } from "./context.ts";
import { DETACH_KEYS_FLAG } from "./create_flags.ts";
import { environmentWords } from "./create_request.ts";
import { followSize } from "./proxied_signals.ts";
import { requireTty, StdioSession } from "./stdio_session.ts";

/** `tsd exec`. */
export const exec = defineCommand({
  usage: "[OPTIONS] CONTAINER COMMAND [ARG...]",
  args: { min: 2 },
  flags: {
    ...DETACH_KEYS_FLAG,
    detach: { type: "bool", short: "d", help: "Detached mode: run command in the background" },
    env: { type: "list", short: "e", help: "Set environment variables" },
    interactive: { type: "bool", short: "i", help: "Keep STDIN open even if not attached" },
    privileged: { type: "bool", help: "Give extended privileges to the command" },
    tty: { type: "bool", short: "t", help: "Allocate a pseudo-TTY" },
    user: { type: "string", short: "u", help: "Username or UID (format: <name|uid>[:<group|gid>])" },
    workdir: { type: "string", short: "w", help: "Working directory inside the container" },
  },
  flagsFirst: true,
  examples: [{ line: "exec -i db psql <dump.sql", note: "Feed a file to a command in a running container" }],
  async run({ terminal, engine }: CommandContext, { args: [container, ...command], flags }) {
    const stdin = flags.interactive && !flags.detach;
    requireTty(terminal, flags.tty && stdin);
    const request: ExecCreateRequest = {
      AttachStdin: stdin,
      AttachStdout: !flags.detach,
      AttachStderr: !flags.detach,
      Tty: flags.tty,
      Privileged: flags.privileged,
      Env: environmentWords(flags.env, (name) => terminal.env(name)),
      Cmd: command,
    };
    if (flags["detach-keys"] !== undefined) request.DetachKeys = flags["detach-keys"];
    if (flags.user !== undefined) request.User = flags.user;
    if (flags.workdir !== undefined) request.WorkingDir = flags.workdir;
    const id = await createExec(engine, container, request);
    if (flags.detach) {
      await startExecDetached(engine, id, flags.tty);
      return 0;
    }
    const stream = await startExec(engine, id, { Detach: false, Tty: flags.tty });
    using session = new StdioSession(terminal, stream, { stdin, tty: flags.tty });
    using _size = flags.tty
      ? followSize(terminal, (rows, columns) => resizeExec(engine, id, rows, columns))
      : undefined;
    await session.end();
    const { ExitCode } = await inspectExec(engine, id);
    if (ExitCode === null) {
      throw new TsdError(
        "engine_unavailable",
        `The connection to ${command[0]} in ${container} was lost; it may still run`,
      );
    }
    return ExitCode;
  },
});
