import { TsdError } from "../errors.ts";
import { type Connection, type Connector, isNobodyThere } from "./connection.ts";

/** An engine that was just started in the background. */
export interface StartedEngine {
  /** Resolves to its exit code. An engine that finds another one running leaves with 0. */
  readonly exited: Promise<number>;
}

/** Starts an engine on the default socket; it outlives this process. */
export type EngineLauncher = () => StartedEngine;

export interface AutostartOptions {
  readonly launch: EngineLauncher;
  /** Of this process: only root can run an engine so far. */
  readonly uid: number | null;
  /** Where the engine writes its log. */
  readonly logPath: string;
  readonly timeoutMs?: number;
}

const FIRST_PAUSE_MS = 2;
const LONGEST_PAUSE_MS = 40;
const GRACE_AFTER_EXIT_MS = 300;
const LOG_TAIL_LINES = 5;

/**
 * Wraps the connector of the default socket: where nobody listens, an engine is started and waited for. Only the first
 * connection of a process does that. @throws {TsdError} engine_unavailable, permission_denied
 */
export function autostarting(connect: Connector, options: AutostartOptions): Connector {
  let started: Promise<Connection> | undefined;
  return async () => {
    try {
      return await connect();
    } catch (thrown) {
      if (!isNobodyThere(thrown) || started !== undefined) throw thrown;
      if (options.uid !== 0) throw notRoot();
      return await (started = startAndConnect(connect, options));
    }
  };
}

const notRoot = () =>
  new TsdError(
    "permission_denied",
    "No engine is running and only root can start one: use sudo (rootless is not there yet)",
  );

async function startAndConnect(connect: Connector, options: AutostartOptions): Promise<Connection> {
  let exitCode: number | undefined;
  let deadline = performance.now() + (options.timeoutMs ?? 10_000);
  const engine = options.launch();
  engine.exited.then((code) => {
    exitCode = code;
    // Where another engine won the race, its socket is about to answer; where this one failed, nothing will.
    if (code !== 0) deadline = Math.min(deadline, performance.now() + GRACE_AFTER_EXIT_MS);
  });
  for (let pauseMs = FIRST_PAUSE_MS;; pauseMs = Math.min(pauseMs * 1.5, LONGEST_PAUSE_MS)) {
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
    try {
      return await connect();
    } catch (thrown) {
      if (!isNobodyThere(thrown)) throw thrown;
      if (performance.now() >= deadline) throw await startFailed(exitCode, options);
    }
  }
}

async function startFailed(exitCode: number | undefined, { logPath }: AutostartOptions): Promise<TsdError> {
  const why = exitCode === undefined
    ? "it doesn't answer on its socket"
    : `it ended with exit code ${exitCode} before it answered`;
  const tail = await lastLines(logPath);
  const log = tail === "" ? `; its log ${logPath} says nothing` : `; the end of ${logPath}:\n${tail}`;
  return new TsdError("engine_unavailable", `Cannot start the engine: ${why}${log}`);
}

async function lastLines(path: string): Promise<string> {
  try {
    using file = await Deno.open(path);
    const { size } = await file.stat();
    await file.seek(Math.max(0, size - 8192), Deno.SeekMode.Start);
    const text = await new Response(file.readable).text();
    return text.trimEnd().split("\n").slice(-LOG_TAIL_LINES).map((line) => `  ${line}`).join("\n").trimEnd();
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return "";
    throw thrown;
  }
}
