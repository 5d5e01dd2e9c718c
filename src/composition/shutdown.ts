/**
 * @module
 * The last that plugins are asked and told: containers come to rest first, so that plugins hear of the ends that an engine
 * records.
 */
import { type Get, TOKENS } from "./tokens.ts";

/** How long plugins are kept for what is under way, in ms: it may be waiting for one that hangs. */
const REST_MS = 1_000;

/** Puts plugins away. @param options.isHandedOn whether ends that are seen from then on are the next engine's to tell */
export async function drainPlugins(get: Get, { isHandedOn = false, restMs = REST_MS } = {}): Promise<void> {
  const runs = get(TOKENS.runs);
  const isAtRest = (async () => {
    if (!isHandedOn) await runs.idle();
    await get(TOKENS.containers).idle();
    await get(TOKENS.execLauncher).idle();
  })();
  const isInTime = await endsWithin(isAtRest, restMs);
  // Not before nobody waits for such an end.
  if (isInTime && isHandedOn) runs.leave();
  // Containers go on writing, and a plugin that is told of that has never answered all.
  get(TOKENS.outputs).sample(0, () => {});
  await get(TOKENS.plugins)[Symbol.asyncDispose]();
  if (isInTime || !isHandedOn) return;
  // It was the plugin.
  await isAtRest;
  runs.leave();
}

async function endsWithin(what: Promise<unknown>, ms: number): Promise<boolean> {
  const late = Promise.withResolvers<false>();
  const timer = setTimeout(() => late.resolve(false), ms);
  try {
    return await Promise.race([what.then(() => true), late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
