/**
 * Whether an engine keeps something of every step. What V8, the C library and SQLite keep for themselves comes once, at
 * some time or other; what is left behind by steps is seen between any two looks. So there are several, each at an engine
 * that has come to rest, and the least growth between two of them counts.
 */
import { strict as assert } from "node:assert";
import { processState } from "../harness/host_state.ts";
import type { Engine } from "../harness/mod.ts";
import { until } from "../engine/setup.ts";
import { print } from "./figures.ts";

/** For the engine whose memory is looked at. */
export const TELLS_MEMORY = ["--log-level", "debug"];

/** Looks after the warm-up; between them are the steps. */
export const LOOKS = 5;
/** Longer than the engine waits for the next request. */
const REST_LIMIT_MS = 20_000;

/** What may stay of each step, in bytes. */
export interface Limits {
  /** Of V8's heap, which is counted after all garbage was collected. */
  readonly heapBytes: number;
  /** Of the process: that is in pages, of which many are used in part. */
  readonly memoryBytes: number;
}

export const DEFAULT_LIMITS: Limits = { heapBytes: 400, memoryBytes: 10_000 };

/** Runs `steps(from, to)` for so many steps in all, and looks before, between and after. @throws when something stays */
export async function plateaus(
  engine: Engine,
  times: number,
  steps: (from: number, to: number) => Promise<void>,
  limits: Partial<Limits> = {},
): Promise<void> {
  const all = { ...DEFAULT_LIMITS, ...limits };
  const each = Math.ceil(times / (LOOKS - 1));
  const seen = [await atRest(engine)];
  for (let look = 1; look < LOOKS; look++) {
    await steps((look - 1) * each, look * each);
    seen.push(await atRest(engine));
  }
  print("at rest", ...seen.map(({ heapBytes, memoryBytes }) => `${megabytes(heapBytes)} of ${megabytes(memoryBytes)}`));
  for (const what of ["heapBytes", "memoryBytes"] as const) {
    const grown = leastGrowth(seen.map((one) => one[what])) / each;
    assert.ok(grown < all[what], `${what}: ${grown.toFixed(0)} of every step stay`);
  }
}

/** The least that one is more than the one before. */
export const leastGrowth = (values: readonly number[]): number =>
  Math.min(...values.slice(1).map((value, at) => value - values[at]!));

/** What the engine has when it has come to rest after all that was asked so far. */
async function atRest(engine: Engine): Promise<Limits> {
  const since = new Date().toISOString();
  let heapBytes: number | undefined;
  await until("the engine to come to rest", async () => {
    const lines = (await engine.log()).matchAll(/^(\S+) debug engine: memory at rest heapBytes=(\d+)/gm);
    heapBytes = [...lines].flatMap(([, time, bytes]) => time! > since ? [Number(bytes)] : [])[0];
    return heapBytes !== undefined;
  }, REST_LIMIT_MS);
  return { heapBytes: heapBytes!, memoryBytes: (await processState(engine.pid)).memoryBytes };
}

const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(2)} MB`;
