/**
 * Measures the cost of networks for a run, and their throughput, beside a dockerd with its bridge and packet filter:
 *
 *     ./dev bench network [--rounds N] [--traffic-rounds N] [--megabytes N] [--json FILE] [--results]
 *
 * Runs in a separate network namespace. See README.md.
 */
import { parseArgs } from "node:util";
import { capture } from "../scripts/project.ts";
import { type Aim, toDocker } from "./measuring/aims.ts";
import { type Harness, positiveInteger, runBenchmark, showResults, startHarness } from "./measuring/harness.ts";
import { exec } from "./measuring/exec.ts";
import { measure, type Series } from "./measuring/rounds.ts";
import { commandTurn } from "./measuring/timed_commands.ts";
import { NAMES, namesTurn, TIMES } from "./networking/names.ts";
import { writeResults } from "./measuring/results_dir.ts";
import { networkMarkdown } from "./networking/results.ts";
import { BETWEEN, OUT, trafficTurn } from "./networking/traffic.ts";

/** Environment variable that marks the process inside the namespace. */
const INSIDE = "TSD_BENCH_NAMESPACE";
const PAUSE_MS = 50;
const FIRST_PORT = 18_080;

const BRIDGE = "run --rm busybox true, on the default bridge";
const PORT = "run --rm -p 8080:80 busybox true";
const AIMS: readonly Aim[] = [
  toDocker(BRIDGE, 0.5),
  toDocker(PORT, 0.5),
  toDocker(BETWEEN, 1, "at least"),
  toDocker(OUT, 1, "at least"),
  // 2,000 lookups a second.
  { of: { row: NAMES, peer: "tsd" }, bound: "at most", limit: TIMES / 2 },
];

async function main(args: string[], signal: AbortSignal): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      rounds: { type: "string", default: "20" },
      "traffic-rounds": { type: "string", default: "5" },
      megabytes: { type: "string", default: "2000" },
      json: { type: "string" },
      results: { type: "boolean", default: false },
    },
  });
  const [rounds, trafficRounds] = [
    positiveInteger("--rounds", values.rounds),
    positiveInteger("--traffic-rounds", values["traffic-rounds"]),
  ];
  const mebibytes = positiveInteger("--megabytes", values.megabytes);
  if (Deno.env.get(INSIDE) === undefined) return await inNamespace(args);
  await capture("ip", ["link", "set", "lo", "up"]);
  await using undo = new AsyncDisposableStack();
  const harness = await startHarness(["podman"], undo, { networking: true });
  const series = await measureRuns(harness, rounds, signal);
  series.push(...await measureTraffic(harness, mebibytes, trafficRounds, signal));
  const results = await showResults(harness, series, AIMS, values.json);
  if (values.results) await writeResults({ "network.md": networkMarkdown(results) });
}

/** Runs this program again in a new network namespace, where it can't change the host's network. */
async function inNamespace(args: readonly string[]): Promise<void> {
  const program = [Deno.execPath(), "run", "--quiet", "-A", import.meta.filename!, ...args];
  const child = new Deno.Command("unshare", { args: ["--net", "--", ...program], env: { [INSIDE]: "1" } }).spawn();
  const { code } = await child.status;
  if (code !== 0) Deno.exit(code);
}

function measureRuns({ peers, images }: Harness, rounds: number, signal: AbortSignal): Promise<Series[]> {
  const turns = peers.map((peer) => {
    const run = (...flags: string[]) => peer.command("run", "--rm", ...flags, images.busybox, "true");
    const timed = [{ row: BRIDGE, work: run() }, { row: PORT, work: run("--publish", "8080:80") }];
    return commandTurn(peer.name, { timed }, exec);
  });
  return measure(turns, { rounds, warmUps: 3, pauseMs: PAUSE_MS, signal });
}

async function measureTraffic(
  { peers, images }: Harness,
  mebibytes: number,
  rounds: number,
  signal: AbortSignal,
): Promise<Series[]> {
  await using undo = new AsyncDisposableStack();
  const turns = [];
  for (const [at, peer] of peers.entries()) {
    const setting = { image: images.busybox, port: FIRST_PORT + at, mebibytes };
    turns.push(await trafficTurn(peer, setting, undo), ...await namesTurn(peer, images.busybox, undo));
  }
  return await measure(turns, { rounds, warmUps: 1, pauseMs: PAUSE_MS, signal });
}

if (import.meta.main) await runBenchmark(main);
