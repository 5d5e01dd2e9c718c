/**
 * Measures the throughput of a container's log, and the latency of the API meanwhile:
 *
 *     ./dev bench logs [--rounds N] [--megabytes N] [--json FILE]
 *
 * One container writes lines of 100 bytes with `cat`. The time ends when the container has exited; its last line must
 * then be in the log. See README.md.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { EngineApi } from "../tests/harness/mod.ts";
import type { Peer } from "./peers/peer.ts";
import { privateDir } from "./peers/host_traces.ts";
import { type Aim, toDocker } from "./measuring/aims.ts";
import { ApiProbe } from "./measuring/api_probe.ts";
import {
  type Harness,
  positiveInteger,
  runBenchmark,
  showResults,
  startHarness,
  stdoutOf,
  UsageError,
} from "./measuring/harness.ts";
import { exec, RunFailed } from "./measuring/exec.ts";
import { measure, type Turn } from "./measuring/rounds.ts";
import { percentile } from "./measuring/statistics.ts";

const LINE_BYTES = 100;
const FILE_MEGABYTES = 10;
const BYTES_PER_MEGABYTE = 1_000_000;
const LAST_LINE = "this is the end";
/** The same rotation for all peers: docker doesn't rotate by default. */
const LOG_OPTIONS = ["--log-opt", "max-size=20m", "--log-opt", "max-file=5"];
const RATE = "lines of 100 bytes into the log";
const API = "API meanwhile, 99th percentile";
const AIMS: readonly Aim[] = [
  toDocker(RATE, 3, "at least"),
  { of: { row: API, peer: "tsd" }, bound: "at most", limit: 10 },
];

async function main(args: string[], signal: AbortSignal): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      rounds: { type: "string", default: "3" },
      megabytes: { type: "string", default: "1000" },
      json: { type: "string" },
    },
  });
  const [rounds, megabytes] = [
    positiveInteger("--rounds", values.rounds),
    positiveInteger("--megabytes", values.megabytes),
  ];
  if (megabytes % FILE_MEGABYTES > 0) throw new UsageError(`--megabytes ${megabytes}: a multiple of ${FILE_MEGABYTES}`);
  await using undo = new AsyncDisposableStack();
  // podman has no daemon, and therefore no API to query.
  const harness = await startHarness(["podman"], undo);
  const dir = await privateDir("lines", undo);
  await Deno.writeTextFile(join(dir, "lines"), lines());
  const turns = harness.peers.map((peer) => turnOf(peer, harness, dir, megabytes));
  const series = await measure(turns, { rounds, warmUps: 1, pauseMs: 1000, signal });
  await showResults(harness, series, AIMS, values.json);
}

function lines(): string {
  const text = "0123456789".repeat(LINE_BYTES / 10).slice(1);
  return `${text}\n`.repeat(FILE_MEGABYTES * BYTES_PER_MEGABYTE / LINE_BYTES);
}

function turnOf(peer: Peer, { images }: Harness, dir: string, megabytes: number): Turn {
  const name = "bench-logs";
  const files = Array.from({ length: megabytes / FILE_MEGABYTES }, () => "/data/lines");
  const script = `cat ${files.join(" ")}; echo ${LAST_LINE}`;
  const create = peer.command(
    "create",
    ...["--name", name, "--network", "none", "--volume", `${dir}:/data:ro`, ...LOG_OPTIONS],
    ...[images.busybox, "sh", "-c", script],
  );
  const api = new EngineApi(peer.socketPath!);
  return {
    peer: peer.name,
    async take() {
      await exec(create);
      const startedMs = performance.now();
      await post(api, `/containers/${name}/start`);
      await using probe = new ApiProbe(api);
      await post(api, `/containers/${name}/wait`);
      const elapsedMs = performance.now() - startedMs;
      const timesMs = await probe.stop();
      const last = await stdoutOf(peer.command("logs", "--tail", "1", name));
      if (last !== `${LAST_LINE}\n`) {
        throw new RunFailed(`${peer.name}: the log ends with ${JSON.stringify(last)}`);
      }
      await exec(peer.command("rm", name));
      return [
        { row: RATE, unit: "MB/s", value: megabytes / (elapsedMs / 1000) },
        { row: API, unit: "ms", value: percentile(timesMs, 99) },
      ];
    },
  };
}

async function post(api: EngineApi, path: string): Promise<void> {
  const { status } = await api.post(path);
  if (status >= 300) throw new RunFailed(`POST ${path}: ${status}`);
}

if (import.meta.main) await runBenchmark(main);
