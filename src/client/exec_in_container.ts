import type { ExecCreateRequest } from "../api_types/mod.ts";
import type { Container } from "./container.ts";
import { AbortRace } from "./abort_race.ts";
import { ExecSession } from "./exec_session.ts";
import { inputPieces, OutputCollector, type ProcessIoOptions } from "./process_io.ts";
import type { CallOptions } from "./resource.ts";
import type { RunResult } from "./run.ts";
import { StdioForwarder } from "./stdio_forwarder.ts";

/** Options of `Container.exec`. */
export interface ExecOptions extends CallOptions, ProcessIoOptions {
  /** Environment variables, besides the container's. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** The working directory. Default: the container's. */
  readonly workingDir?: string | undefined;
  /** Name or id, and optionally a group. Default: the container's. */
  readonly user?: string | undefined;
  /** Gives the process all capabilities. */
  readonly privileged?: boolean | undefined;
}

/** Implements `Container.exec`. Aborting `signal` ends the connection; the process goes on without it. */
export async function execInContainer(
  container: Container,
  command: readonly string[],
  options: ExecOptions,
): Promise<RunResult> {
  const { signal, stdin } = options;
  signal?.throwIfAborted();
  const { exec, stream } = await container.attachExec(execRequest(command, options));
  const session = new ExecSession(exec);
  const output = new OutputCollector(options);
  using forwarder = new StdioForwarder(stream, {
    sinks: output,
    stdin: stdin === undefined ? undefined : inputPieces(stdin),
    reconnect: () => session.reconnect(),
  });
  using abort = new AbortRace(signal);
  await abort.wait(forwarder.end());
  const exitCode = await session.exitCode(forwarder, `${command[0]} in ${container.name}`);
  return { exitCode, ...output.texts() };
}

function execRequest(
  command: readonly string[],
  { env = {}, workingDir, user, privileged = false, stdin }: ExecOptions,
): ExecCreateRequest {
  return {
    AttachStdin: stdin !== undefined,
    AttachStdout: true,
    AttachStderr: true,
    Tty: false,
    Privileged: privileged,
    Env: Object.entries(env).map(([name, value]) => `${name}=${value}`),
    Cmd: [...command],
    ...(workingDir !== undefined && { WorkingDir: workingDir }),
    ...(user !== undefined && { User: user }),
  };
}
