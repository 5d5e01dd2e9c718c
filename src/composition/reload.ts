/**
 * @module
 * Prepares an engine for its re-execution (`tsd daemon reload`).
 */
import type { ApiServer } from "../api/http/server.ts";
import type { AsyncQueue } from "../async/queue.ts";
import { configTrouble } from "../engine/config/engine_config.ts";
import type { ReexecState } from "../engine/lifecycle/reexec.ts";
import { canStart } from "../engine/lifecycle/reexec_check.ts";
import type { ServiceNotifier } from "../engine/lifecycle/service_notify.ts";
import { RELOAD_SIGNAL } from "../engine/lifecycle/signals.ts";
import type { Engine } from "../engine/mod.ts";
import { processes } from "../sys/mod.ts";
import { CLOSE_GRACE_MS } from "./listener.ts";
import { drainPlugins } from "./shutdown.ts";

/** How long input in transit may take to arrive before a re-execution, in ms. */
const LAST_INPUT_MS = 700;

/** What a re-execution runs and reads. */
export interface ReloadOptions {
  /** The command to re-execute. */
  readonly command: readonly string[] | undefined;
  readonly configFile: string | undefined;
  /** Returns the environment that the re-executed program gets. */
  readonly environment: () => Record<string, string>;
  readonly notifier: ServiceNotifier;
}

/**
 * Waits until the engine is to stop (false), or to reload and able to (true): requests to reload a program that can't
 * start, or an invalid configuration, are logged and ignored.
 * @param requested signals, and "idle"
 */
export async function isReloadRequested(
  engine: Engine,
  requested: AsyncQueue<string>,
  { command, configFile, environment, notifier }: ReloadOptions,
): Promise<boolean> {
  const { settings: { log }, runtime: { reaper } } = engine;
  for await (const why of requested) {
    if (why !== RELOAD_SIGNAL) {
      log.info("stopping", { why });
      notifier.stopping();
      return false;
    }
    const trouble = await canStart(command, environment(), processes, reaper) ?? await configTrouble(configFile);
    if (trouble === undefined) break;
    log.error("not reloading", { why: trouble });
  }
  log.info("reloading", { command: command?.join(" ") });
  notifier.reloading();
  return true;
}

/**
 * Quiesces an engine before its re-execution. Returns the state of what remains in progress.
 * @param options.hasOtherClients see {@link ReexecState}
 */
export async function quiesce(
  engine: Engine,
  server: ApiServer,
  { hasOtherClients }: Pick<ReexecState, "hasOtherClients">,
): Promise<ReexecState> {
  const { tasks: { fdHolders, restartManager, health, supervisor }, runtime: { stdioRouter, reaper }, execs } = engine;
  fdHolders.leave();
  restartManager[Symbol.dispose]();
  await health[Symbol.asyncDispose]();
  await server.drain(CLOSE_GRACE_MS);
  // Exits of their processes are seen only while children are still reaped.
  await drainPlugins(engine, { isHandedOn: true });
  supervisor.release();
  const outputs = await stdioRouter.suspend();
  await server.leave(LAST_INPUT_MS);
  // Processes that exit from now on are reaped by the next engine.
  reaper[Symbol.dispose]();
  return { outputs, exits: supervisor.unrecordedExits, execs: execs.service.notes, hasOtherClients };
}
