import { TsdError } from "../errors.ts";
import { isSocketRemoved } from "./reconnect.ts";
import { type Connection, type Connector, isNotListening } from "./connection.ts";

/** An engine that was just started in the background. */
export interface StartedEngine {
  /** Resolves when it ends. An engine that finds another one running leaves with code 0. */
  readonly exited: Promise<EngineExit>;
}

/** How it ended, and what it said before it opened its log. */
export interface EngineExit {
  readonly code: number;
  readonly stderr: string;
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
  /** An engine was there, though not for a connection of ours. */
  readonly hasAnswered?: boolean;
}

const FIRST_PAUSE_MS = 2;
const LONGEST_PAUSE_MS = 40;
const GRACE_AFTER_EXIT_MS = 300;
const LOG_TAIL_LINES = 5;
const LOG_TAIL_BYTES = 8192;

/**
 * Wraps the connector of the default socket: where nobody listens, an engine is started and waited for. Only the first
 * connection of a process does that. @throws {TsdError} engine_unavailable, permission_denied
 */
export function autostarting(connect: Connector, options: AutostartOptions): Connector {
  let started: Promise<Connection> | undefined;
  let { hasAnswered = false } = options;
  return async () => {
    try {
      const connection = await connect();
      hasAnswered = true;
      return connection;
    } catch (thrown) {
      if (!isNotListening(thrown) || started !== undefined) throw thrown;
      // Somebody has ended it in good order since.
      if (hasAnswered && isSocketRemoved(thrown)) throw thrown;
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
  let exit: EngineExit | undefined;
  let deadline = performance.now() + (options.timeoutMs ?? 10_000);
  const engine = options.launch();
  engine.exited.then((ended) => {
    exit = ended;
    // Where another engine won the race, its socket is about to answer; where this one failed, nothing will.
    if (ended.code !== 0) deadline = Math.min(deadline, performance.now() + GRACE_AFTER_EXIT_MS);
  });
  for (let pauseMs = FIRST_PAUSE_MS;; pauseMs = Math.min(pauseMs * 1.5, LONGEST_PAUSE_MS)) {
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
    try {
      return await connect();
    } catch (thrown) {
      if (!isNotListening(thrown)) throw thrown;
      if (performance.now() >= deadline) throw await startFailed(exit, options);
    }
  }
}

async function startFailed(exit: EngineExit | undefined, { logPath }: AutostartOptions): Promise<TsdError> {
  const why = exit === undefined
    ? "it doesn't answer on its socket"
    : `it ended with exit code ${exit.code} before it answered`;
  return new TsdError("engine_unavailable", `Cannot start the engine: ${why}${await lastWords(exit, logPath)}`);
}

async function lastWords(exit: EngineExit | undefined, logPath: string): Promise<string> {
  const said = indented(exit?.stderr ?? "");
  if (said !== "") return `:\n${said}`;
  const logged = indented(await endOf(logPath));
  return logged === "" ? `; its log ${logPath} says nothing` : `; the end of ${logPath}:\n${logged}`;
}

const indented = (text: string): string =>
  text.trim() === "" ? "" : text.trimEnd().split("\n").slice(-LOG_TAIL_LINES).map((line) => `  ${line}`).join("\n");

async function endOf(path: string): Promise<string> {
  try {
    using file = await Deno.open(path);
    const { size } = await file.stat();
    await file.seek(Math.max(0, size - LOG_TAIL_BYTES), Deno.SeekMode.Start);
    return await new Response(file.readable).text();
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return "";
    throw thrown;
  }
}
