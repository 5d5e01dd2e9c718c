/** What an engine goes through while it works: the memory that it takes, and how long it lets others wait. */
import { strict as assert } from "node:assert";
import { type Engine, loadFactor, processState } from "../harness/mod.ts";

export interface Strain {
  /** The most. */
  readonly memoryBytes: number;
  /** How long each `/_ping` would have taken on a machine with nothing else to do, in ms, in ascending order. */
  readonly answersMs: readonly number[];
}

/** Watches the engine until `work` is done, with a pause between two questions. */
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

/** So long or shorter took all but the slowest twentieth, which a busy machine may have held up. */
export const usualMs = ({ answersMs }: Strain): number => answersMs[Math.floor((answersMs.length - 1) * 0.95)]!;
