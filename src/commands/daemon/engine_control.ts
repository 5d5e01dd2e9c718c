import type { SystemInfo } from "../../api_types/mod.ts";
import { humanDuration } from "../../cli/mod.ts";
import type { Client } from "../../client/client.ts";
import { isTsdError, TsdError } from "../../errors.ts";
import type { EngineProcess, EngineProcesses } from "./engine_process.ts";

/** The time after which an engine is reported as not responding. */
const ANSWER_LIMIT_MS = 3_000;
/** The time limit of a re-execution. */
const RELOAD_LIMIT_MS = 30_000;
const POLL_MS = 10;
/** The exit code if the engine isn't running, as that of `systemctl is-active`. */
const NOT_RUNNING_EXIT = 3;

/** What the commands that manage the engine depend on. */
export interface EngineControl {
  /** Absolute path of the engine's socket. */
  readonly socket: string;
  /** Whether it is the default engine, which starts on demand. */
  readonly isDefault: boolean;
  readonly processes: EngineProcesses;
  /** The engine at the socket. It is never started. */
  readonly engine: Client;
  /** Unix time in ms. */
  now(): number;
  pause(ms: number): Promise<void>;
}

/** A command's output and exit code. */
export interface Outcome {
  readonly text: string;
  readonly code: number;
}

/** Reports whether the engine is running, and its state. @throws {TsdError} permission_denied */
export async function engineStatus(control: EngineControl): Promise<Outcome> {
  const found = await control.processes.find(control.socket);
  if (found === undefined) {
    const more = control.isDefault ? "; the first command that needs it starts it" : "";
    return { text: `tsd is not running (nobody listens at ${control.socket}${more})\n`, code: NOT_RUNNING_EXIT };
  }
  const info = await answer(control);
  const details: [string, string][] = [
    ["Process", `${found.pid}, started by ${ORIGINS[found.origin]}`],
    ["Since", `${new Date(found.startedMs).toISOString().slice(0, 19)}Z (${age(control, found)} ago)`],
    ["Socket", `unix://${control.socket}`],
    ...(info === undefined ? [] : endpointsOf(info)),
  ];
  const head = info === undefined ? `tsd runs, but has not answered in ${ANSWER_LIMIT_MS / 1000} s` : "tsd is running";
  const lines = details.map(([label, value]) => `  ${`${label}:`.padEnd(11)} ${value}\n`);
  return { text: `${head}\n${lines.join("")}`, code: info === undefined ? 1 : 0 };
}

/** Stops the engine and waits until it has exited. Containers keep running. @throws {TsdError} timeout, conflict, permission_denied */
export async function stopEngine(control: EngineControl, limitMs: number): Promise<Outcome> {
  const found = await control.processes.find(control.socket);
  if (found === undefined) return { text: "tsd is not running\n", code: 0 };
  await control.processes.signal(found, "SIGTERM");
  await until(
    control,
    limitMs,
    `the engine (process ${found.pid}) has not ended`,
    () => control.processes.hasEnded(found),
  );
  return { text: `Stopped the engine (process ${found.pid}); containers run on\n`, code: 0 };
}

/** Makes the engine re-execute itself and waits until it responds. @throws {TsdError} engine_unavailable, timeout, conflict */
export async function reloadEngine(control: EngineControl): Promise<Outcome> {
  const { processes, socket } = control;
  const found = await processes.find(socket);
  if (found === undefined) {
    throw new TsdError("engine_unavailable", `Cannot reload the engine: nobody listens at ${socket}`);
  }
  if (!(await processes.catchesHangup(found))) {
    throw new TsdError(
      "conflict",
      `Cannot reload the engine: process ${found.pid} is just starting, or too old for it`,
    );
  }
  const before = await processes.incarnation(found);
  await processes.signal(found, "SIGHUP");
  await until(control, RELOAD_LIMIT_MS, `the engine (process ${found.pid}) has not executed itself anew`, async () => {
    if (processes.hasEnded(found)) {
      throw new TsdError(
        "engine_unavailable",
        `The engine (process ${found.pid}) ended instead of reloading; see its log`,
      );
    }
    return await processes.incarnation(found) !== before;
  });
  await until(
    control,
    RELOAD_LIMIT_MS,
    `the engine (process ${found.pid}) does not answer yet`,
    () => answers(control),
  );
  return { text: `Reloaded the engine (process ${found.pid})\n`, code: 0 };
}

const ORIGINS: Readonly<Record<EngineProcess["origin"], string>> = {
  service: "systemd (tsd.service)",
  client: "a client, on demand",
  hand: "hand",
};

function endpointsOf(info: SystemInfo): [string, string][] {
  const { Containers, ContainersRunning, ContainersPaused } = info;
  return [
    ["Version", info.ServerVersion],
    ["Data root", info.DockerRootDir],
    ["Containers", `${Containers} (${ContainersRunning} running, ${ContainersPaused} paused)`],
  ];
}

const age = ({ now }: EngineControl, { startedMs }: EngineProcess): string =>
  humanDuration(Math.max(now() - startedMs, 0));

/** Returns the engine's information; undefined if the request times out or the engine has just closed its socket. */
async function answer({ engine }: EngineControl): Promise<SystemInfo | undefined> {
  try {
    return await engine.system.info({ timeoutMs: ANSWER_LIMIT_MS });
  } catch (thrown) {
    if (isTsdError(thrown, "timeout", "engine_unavailable")) return undefined;
    throw thrown;
  }
}

async function answers(control: EngineControl): Promise<boolean> {
  return await answer(control) !== undefined;
}

/** Polls until `isDone` returns true. @throws {TsdError} timeout */
async function until(
  control: EngineControl,
  limitMs: number,
  trouble: string,
  isDone: () => boolean | Promise<boolean>,
): Promise<void> {
  const deadlineMs = control.now() + limitMs;
  while (!(await isDone())) {
    if (control.now() >= deadlineMs) throw new TsdError("timeout", `After ${limitMs / 1000} s ${trouble}`);
    await control.pause(POLL_MS);
  }
}
