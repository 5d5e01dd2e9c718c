/** Measures an engine under load: its memory, and how long other requests take. */
import { strict as assert } from "node:assert";
import { type Engine, loadFactor, processState } from "../harness/mod.ts";

export interface Strain {
  /** The maximum. */
  readonly memoryBytes: number;
  /** How long each `/_ping` would have taken on a machine with nothing else to do, in ms, in ascending order. */
  readonly answersMs: readonly number[];
}

/** Measures the engine until `work` is done, with a pause between two requests. */
export async function strainDuring(engine: Engine, work: Promise<unknown>, pauseMs = 50): Promise<Strain> {
  const answersMs: number[] = [];
  let [memoryBytes, isDone] = [0, false];
  // Whatever becomes of it is said at the end, not while nobody waits for it.
  const done = Promise.allSettled([work]).then(() => isDone = true);
  while (!isDone) {
    const startedMs = performance.now();
    assert.equal((await engine.api.get("/_ping")).status, 200);
    answersMs.push((performance.now() - startedMs) / loadFactor());
    memoryBytes = Math.max(memoryBytes, (await processState(engine.pid)).memoryBytes);
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
  await done;
  await work;
  return { memoryBytes, answersMs: answersMs.sort((a, b) => a - b) };
}

/** Returns the 95th percentile; a busy machine may delay the slowest answers. */
export const usualMs = ({ answersMs }: Strain): number => answersMs[Math.floor((answersMs.length - 1) * 0.95)]!;
