/**
 * Compares the throughput of the SHA-256 engines of `src/hash/` on one thread:
 *
 *     ./dev bench hash [--rounds N] [--megabytes N]
 *
 * Measures one stream, and four streams fed 64 KiB at a time in turn, as concurrent layers of a pull are.
 */
import { parseArgs } from "node:util";
import { createSha256, HASH_ENGINES, type HashEngine } from "../src/hash/mod.ts";
import { type Aim, judge } from "./measuring/aims.ts";
import { positiveInteger, runBenchmark } from "./measuring/harness.ts";
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
  const [rounds, megabytes] = [
    positiveInteger("--rounds", values.rounds),
    positiveInteger("--megabytes", values.megabytes),
  ];
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
    const startedMs = performance.now();
    for (let n = 0; n < chunks; n++) for (const hasher of hashers) hasher.update(chunk);
    for (const hasher of hashers) hasher.digestHex();
    const seconds = (performance.now() - startedMs) / 1000;
    return { row, unit: "MB/s", value: chunks * streams * CHUNK_BYTES / 1e6 / seconds };
  };
  return { peer: engine, take: async () => [await rate(ONE, 1), await rate(FOUR, 4)] };
}

if (import.meta.main) await runBenchmark(main);
