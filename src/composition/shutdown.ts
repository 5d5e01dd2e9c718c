/**
 * @module
 * Closes plugins at shutdown. Containers settle first, so that plugins are notified of the exits that this engine
 * records.
 */
import type { Engine } from "../engine/mod.ts";

/**
 * How long to wait for operations in progress before closing plugins, in ms: they may be waiting for a plugin that
 * hangs.
 */
const REST_MS = 1_000;

/**
 * Closes all plugins.
 * @param options.isHandedOn whether exits from now on are left to the next engine to report
 */
export async function drainPlugins(engine: Engine, { isHandedOn = false, restMs = REST_MS } = {}): Promise<void> {
  const runs = engine.tasks.supervisor;
  const isAtRest = (async () => {
    if (!isHandedOn) await runs.idle();
    await engine.containers.service.idle();
    await engine.execs.starter.idle();
  })();
  const isInTime = await endsWithin(isAtRest, restMs);
  // Only now, as no operation waits for such an exit any more.
  if (isInTime && isHandedOn) runs.leave();
  // Containers continue to write, and a plugin that gets their lines would never be done.
  engine.runtime.stdioRouter.sample(0, () => {});
  await engine.plugins.service[Symbol.asyncDispose]();
  if (isInTime || !isHandedOn) return;
  // The operations were waiting for a plugin.
  await isAtRest;
  runs.leave();
}

async function endsWithin(what: Promise<unknown>, ms: number): Promise<boolean> {
  const expired = Promise.withResolvers<false>();
  const timer = setTimeout(() => expired.resolve(false), ms);
  try {
    return await Promise.race([what.then(() => true), expired.promise]);
  } finally {
    clearTimeout(timer);
  }
}
