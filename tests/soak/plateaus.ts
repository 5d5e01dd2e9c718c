/**
 * Detects whether an engine leaks memory on every step. V8, the C library and SQLite allocate permanent memory once, at
 * unpredictable times; a leak grows between any two samples. So there are several samples, each of an idle engine, and
 * the least growth between two of them counts.
 */
import { strict as assert } from "node:assert";
import { processState } from "../harness/host_state.ts";
import type { Engine } from "../harness/mod.ts";
import { until } from "../engine/setup.ts";
import { print } from "./figures.ts";

/** Arguments of an engine whose memory is sampled. */
export const TELLS_MEMORY = ["--log-level", "debug"];

/** The number of samples after the warm-up; the steps run between them. */
export const LOOKS = 5;
/** Longer than the engine waits for the next request. */
const REST_LIMIT_MS = 20_000;

/** The memory that a step may leak, in bytes. */
export interface Limits {
  /** V8's heap, counted after a full garbage collection. */
  readonly heapBytes: number;
  /** Memory of the process: this is in pages, many of which are partly used. */
  readonly memoryBytes: number;
}

export const DEFAULT_LIMITS: Limits = { heapBytes: 400, memoryBytes: 10_000 };

/**
 * Runs `steps(from, to)` for that many steps in all, and samples before, between and after. @throws AssertionError on a
 * leak
 */
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

/** Returns the least growth from one value to the next. */
export const leastGrowth = (values: readonly number[]): number =>
  Math.min(...values.slice(1).map((value, at) => value - values[at]!));

/** Returns the engine's memory once it is idle after all previous requests. */
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
