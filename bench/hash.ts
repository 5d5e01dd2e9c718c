/**
 * Measures the SHA-256 engines of `src/hash/` beside each other, on one thread:
 *
 *     ./dev bench hash [--rounds N] [--megabytes N]
 *
 * One stream, and four that are fed in turn as layers in flight are: 64 KiB at a time.
 */
import { parseArgs } from "node:util";
import { createSha256, HASH_ENGINES, type HashEngine } from "../src/hash/mod.ts";
import { type Aim, judge } from "./measuring/aims.ts";
import { count, runBenchmark } from "./measuring/harness.ts";
import { machineInfo } from "./measuring/machine.ts";
import { judgementLine, machineLines, markdownLines, tableLines } from "./measuring/report.ts";
import { measure, type Sample, type Turn } from "./measuring/rounds.ts";

const CHUNK_BYTES = 64 << 10;
const ONE = "one stream";
const FOUR = "four streams";
const atLeast = (row: string, limit: number): Aim => ({
  of: { row, peer: "wasm" },
  against: { row, peer: "hash-wasm" },
  bound: "at least",
  limit,
});
const AIMS = [atLeast(ONE, 1.4), atLeast(FOUR, 2.8)];

async function main(args: string[], signal: AbortSignal): Promise<void> {
  const { values } = parseArgs({
    args,
    options: { rounds: { type: "string", default: "9" }, megabytes: { type: "string", default: "64" } },
  });
  const [rounds, megabytes] = [count("--rounds", values.rounds), count("--megabytes", values.megabytes)];
  for (const line of machineLines(await machineInfo())) console.log(line);
  const turns = HASH_ENGINES.map((engine) => turnOf(engine, megabytes));
  const series = await measure(turns, { rounds, warmUps: 2, pauseMs: 50, signal });
  const judgements = judge(AIMS, series);
  const lines = [...tableLines(series), "", ...judgements.map(judgementLine), "", ...markdownLines(series, judgements)];
  for (const line of lines) console.log(line);
}

function turnOf(engine: HashEngine, megabytes: number): Turn {
  const chunk = crypto.getRandomValues(new Uint8Array(CHUNK_BYTES));
  const rate = async (row: string, streams: number): Promise<Sample> => {
    const hashers = await Promise.all(Array.from({ length: streams }, () => createSha256(engine)));
    const chunks = Math.ceil(megabytes * 1e6 / CHUNK_BYTES / streams);
    const beganMs = performance.now();
    for (let n = 0; n < chunks; n++) for (const hasher of hashers) hasher.update(chunk);
    for (const hasher of hashers) hasher.digestHex();
    const seconds = (performance.now() - beganMs) / 1000;
    return { row, unit: "MB/s", value: chunks * streams * CHUNK_BYTES / 1e6 / seconds };
  };
  return { peer: engine, take: async () => [await rate(ONE, 1), await rate(FOUR, 4)] };
}

if (import.meta.main) await runBenchmark(main);
