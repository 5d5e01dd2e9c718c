import type { Exec } from "../../client/exec.ts";
import { ExecSession } from "../../client/exec_session.ts";
import type { RawStream } from "../../client/transport.ts";
import type { CommandContext } from "../context.ts";
import { followSize } from "./signal_proxy.ts";
import { detachedError, StdioSession } from "../stdio_session.ts";

export interface AttachedExecOptions {
  readonly stdin: boolean;
  readonly tty: boolean;
  readonly detachKeys?: string | undefined;
  /** The process's description in error messages. */
  readonly what: string;
}

/**
 * Connects the local standard streams to an exec'd process and resolves to its exit code. It reconnects after the engine was
 * restarted. Takes ownership of `stream`.
 * @throws {TsdError} engine_unavailable (the connection was lost and the exit code is unknown)
 */
export async function attachToExec(
  { terminal, clock }: CommandContext,
  exec: Exec,
  stream: RawStream,
  { what, ...options }: AttachedExecOptions,
): Promise<number> {
  const session = new ExecSession(exec);
  using stdio = new StdioSession(terminal, stream, { ...options, reconnect: () => session.reconnect() });
  using _size = options.tty ? followSize(terminal, (rows, columns) => exec.resize(rows, columns)) : undefined;
  if (await stdio.end() === "detached") throw detachedError();
  clock?.lap("start and run");
  const exitCode = await session.exitCode(stdio, what);
  if (stdio.exitCode === undefined) clock?.lap("exit code");
  return exitCode;
}
