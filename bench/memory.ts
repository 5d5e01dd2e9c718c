/**
 * Measures the memory of an engine and its helper processes, idle and with many idle containers:
 *
 *     ./dev bench memory [--rounds N] [--containers N] [--without NAME] [--json FILE]
 *
 * The figure is the sum of the proportional set sizes of the engine and its helpers; processes in containers don't
 * count. See README.md.
 */
import { parseArgs } from "node:util";
import type { Peer } from "./peers/peer.ts";
import { toDocker } from "./measuring/aims.ts";
import { type Harness, positiveInteger, runBenchmark, showResults, startHarness } from "./measuring/harness.ts";
import { exec } from "./measuring/exec.ts";
import { processes, proportionalMb } from "./measuring/processes.ts";
import { measure, type Sample, type Turn } from "./measuring/rounds.ts";
import { summaryOf } from "./measuring/statistics.ts";
import { execConcurrently } from "./measuring/timed_commands.ts";

/** Lets background work of the starts and the garbage collectors finish. */
const SETTLE_MS = 3000;
const READINGS = { count: 5, pauseMs: 200 };
const CLIENTS = 4;
const LIMIT = 0.3;

async function main(args: string[], signal: AbortSignal): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      rounds: { type: "string", default: "3" },
      containers: { type: "string", default: "50" },
      without: { type: "string", multiple: true, default: [] },
      json: { type: "string" },
    },
  });
  const [rounds, containers] = [
    positiveInteger("--rounds", values.rounds),
    positiveInteger("--containers", values.containers),
  ];
  await using undo = new AsyncDisposableStack();
  const harness = await startHarness(values.without, undo);
  const turns = harness.peers.map((peer) => turnOf(peer, harness, containers));
  const series = await measure(turns, { rounds, warmUps: 0, pauseMs: 0, signal });
  await showResults(harness, series, [toDocker(rowOf(containers), LIMIT)], values.json);
}

const rowOf = (containers: number): string => `memory with ${containers} idle containers`;

function turnOf(peer: Peer, { images }: Harness, containers: number): Turn {
  const names = Array.from({ length: containers }, (_, index) => `bench-idle-${index}`);
  const run = (name: string) =>
    peer.command("run", "--detach", "--name", name, "--network", "host", images.busybox, "sleep", "1000000");
  return {
    peer: peer.name,
    async take() {
      const idle = await reading(peer, "memory without containers");
      await execConcurrently({ commands: names.map(run), atOnce: CLIENTS }, exec);
      const busy = await reading(peer, rowOf(containers));
      await exec(peer.command("rm", ...names));
      return [idle, busy].flat();
    },
  };
}

/** Returns the median of several readings; nothing for an engine without processes. */
async function reading(peer: Peer, row: string): Promise<Sample[]> {
  await pause(SETTLE_MS);
  const pids = (await processes()).filter((process) => peer.owns(process)).map(({ pid }) => pid);
  if (pids.length === 0) return [];
  const readings: number[] = [];
  for (let index = 0; index < READINGS.count; index++) {
    readings.push(await proportionalMb(pids));
    await pause(READINGS.pauseMs);
  }
  return [{ row, unit: "MB", value: summaryOf(readings).median }];
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

if (import.meta.main) await runBenchmark(main);
