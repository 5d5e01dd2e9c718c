import type { ExecInspect } from "../../api_types/mod.ts";
import { retryUntilAvailable } from "../../client/reconnect.ts";
import { inspectExec, reattachExec, resizeExec } from "../../client/execs.ts";
import type { EngineTransport, RawStream } from "../../client/transport.ts";
import { isTsdError, TsdError } from "../../errors.ts";
import type { CommandContext } from "../context.ts";
import { followSize } from "./signal_proxy.ts";
import { detachedError, StdioSession } from "../stdio_session.ts";

export interface FollowedExecOptions {
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
export async function followExec(
  { terminal, engine, clock }: CommandContext,
  id: string,
  stream: RawStream,
  { stdin, tty, detachKeys, what }: FollowedExecOptions,
): Promise<number> {
  let found: ExecInspect | undefined;
  const reconnect = async () => {
    found = await retryUntilAvailable(() => inspectIfKnown(engine, id));
    return found?.TsdAwaited ? await reattach(engine, id) : undefined;
  };
  using session = new StdioSession(terminal, stream, { stdin, tty, detachKeys, reconnect });
  using _size = tty ? followSize(terminal, (rows, columns) => resizeExec(engine, id, rows, columns)) : undefined;
  if (await session.end() === "detached") throw detachedError();
  clock?.lap("start and run");
  if (session.exitCode !== undefined) return session.exitCode;
  const exec = found ?? await inspectIfKnown(engine, id);
  clock?.lap("exit code");
  const exitCode = exec?.ExitCode ?? null;
  if (exitCode !== null) return exitCode;
  const state = exec === undefined
    ? "it may still run"
    : exec.Running
    ? "it still runs"
    : "it has ended, and its exit code is unknown";
  throw new TsdError("engine_unavailable", `The connection to ${what} was lost; ${state}`);
}

/** Inspects an exec; undefined if a new engine doesn't know it. */
async function inspectIfKnown(engine: EngineTransport, id: string): Promise<ExecInspect | undefined> {
  try {
    return await inspectExec(engine, id);
  } catch (thrown) {
    if (isTsdError(thrown, "exec_not_found")) return undefined;
    throw thrown;
  }
}

/** Attaches to an exec again; undefined if another client already has, or the engine doesn't know the exec. */
async function reattach(engine: EngineTransport, id: string): Promise<RawStream | undefined> {
  try {
    return await retryUntilAvailable(() => reattachExec(engine, id));
  } catch (thrown) {
    if (isTsdError(thrown, "conflict", "exec_not_found", "page_not_found")) return undefined;
    throw thrown;
  }
}
