/**
 * Measures what networks cost a run, and how fast they are, beside a dockerd with its bridge and packet filter:
 *
 *     ./dev bench network [--rounds N] [--traffic-rounds N] [--megabytes N] [--json FILE] [--results]
 *
 * All of it happens in a network namespace of its own. See README.md here.
 */
import { parseArgs } from "node:util";
import { capture } from "../scripts/project.ts";
import { type Aim, toDocker } from "./measuring/aims.ts";
import { count, type Field, runBenchmark, show, startField } from "./measuring/harness.ts";
import { perform } from "./measuring/exec.ts";
import { measure, type Series } from "./measuring/rounds.ts";
import { commandTurn } from "./measuring/timed_commands.ts";
import { NAMES, namesTurn, TIMES } from "./networking/names.ts";
import { writeResults } from "./measuring/results_dir.ts";
import { networkMarkdown } from "./networking/results.ts";
import { BETWEEN, OUT, trafficTurn } from "./networking/traffic.ts";

/** Set in the process that is in the namespace. */
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
  // 2,000 a second.
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
    count("--rounds", values.rounds),
    count("--traffic-rounds", values["traffic-rounds"]),
  ];
  const mebibytes = count("--megabytes", values.megabytes);
  if (Deno.env.get(INSIDE) === undefined) return await inNamespace(args);
  await capture("ip", ["link", "set", "lo", "up"]);
  await using undo = new AsyncDisposableStack();
  const field = await startField(["podman"], undo, { networking: true });
  const series = await measureRuns(field, rounds, signal);
  series.push(...await measureTraffic(field, mebibytes, trafficRounds, signal));
  const results = await show(field, series, AIMS, values.json);
  if (values.results) await writeResults({ "network.md": networkMarkdown(results) });
}

/** This program once more, where it can't disturb anybody. */
async function inNamespace(args: readonly string[]): Promise<void> {
  const program = [Deno.execPath(), "run", "--quiet", "-A", import.meta.filename!, ...args];
  const child = new Deno.Command("unshare", { args: ["--net", "--", ...program], env: { [INSIDE]: "1" } }).spawn();
  const { code } = await child.status;
  if (code !== 0) Deno.exit(code);
}

function measureRuns({ peers, images }: Field, rounds: number, signal: AbortSignal): Promise<Series[]> {
  const turns = peers.map((peer) => {
    const run = (...flags: string[]) => peer.command("run", "--rm", ...flags, images.busybox, "true");
    const timed = [{ row: BRIDGE, work: run() }, { row: PORT, work: run("--publish", "8080:80") }];
    return commandTurn(peer.name, { timed }, perform);
  });
  return measure(turns, { rounds, warmUps: 3, pauseMs: PAUSE_MS, signal });
}

async function measureTraffic(
  { peers, images }: Field,
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
