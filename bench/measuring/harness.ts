/** Shared by the benchmarks: images, peers, options and the output of results. */
import { dirname } from "node:path";
import { capture, CommandFailed } from "../../scripts/project.ts";
import { busyboxImage, pushImage } from "../../tests/images/mod.ts";
import { startRealRegistry } from "../../tests/registry/real.ts";
import { type Command, type Peer, PeerMissing } from "../peers/peer.ts";
import { startDocker } from "../peers/dockerd.ts";
import { startPodman } from "../peers/podman.ts";
import { startTsd, type Tsd } from "../peers/tsd.ts";
import { type Aim, judge } from "./aims.ts";
import { load, machineInfo } from "./machine.ts";
import { exec, RunFailed } from "./exec.ts";
import { judgementLine, machineLines, markdownLines, type Results, resultsJson, tableLines } from "./report.ts";
import type { Series } from "./rounds.ts";
import type { Images } from "./scenarios.ts";

/** Thrown if the command line is invalid, or the benchmark can't run here. */
export class UsageError extends Error {}

const STARTS = { docker: startDocker, podman: () => startPodman() };
/** The peers that `--without` accepts. */
export const PEERS: readonly string[] = Object.keys(STARTS);

/** The engines that are measured; all have pulled the busybox image. */
export interface Harness {
  readonly tsd: Tsd;
  readonly peers: readonly Peer[];
  readonly images: Images;
  /** The part of the results that is known before the first measurement. */
  readonly before: Omit<Results, "series" | "aims">;
}

/**
 * Starts tsd and the available peers, and prints the machine and their versions.
 * @param without names of peers to leave out
 * @param undo stops all of them when it is disposed of
 * @param networking whether dockerd creates bridges and firewall rules
 * @throws UsageError
 */
export async function startHarness(
  without: readonly string[],
  undo: AsyncDisposableStack,
  { networking = false } = {},
): Promise<Harness> {
  if (Deno.uid() !== 0) throw new UsageError("engines that run containers need root: run this as root");
  checkNames("peer", without, PEERS);
  const images = await startImages(undo);
  const tsd = undo.use(await startTsd());
  const { peers, missing } = await startPeers(without, networking, undo);
  const allPeers = [tsd, ...peers];
  const machine = await machineInfo();
  const described = allPeers.map(({ description }) => description);
  for (const line of [...machineLines(machine), ...described, ...missing]) console.log(line);
  for (const peer of allPeers) await exec(peer.command("pull", images.busybox));
  const before = { date: new Date().toISOString(), machine, load: [load()], peers: described, missing };
  return { tsd, peers: allPeers, images, before };
}

/** Starts a registry on loopback and pushes the image to it. */
async function startImages(undo: AsyncDisposableStack): Promise<Images> {
  const registry = undo.use(await startRealRegistry());
  await pushImage(registry.url, "bench/busybox", "latest", await busyboxImage());
  return { busybox: `${registry.host}/bench/busybox:latest` };
}

async function startPeers(without: readonly string[], networking: boolean, undo: AsyncDisposableStack) {
  const peers: Peer[] = [];
  const missing: string[] = [];
  for (const [name, start] of Object.entries(STARTS)) {
    try {
      if (without.includes(name)) throw new PeerMissing("--without");
      peers.push(undo.use(await start({ networking })));
    } catch (error) {
      if (!(error instanceof PeerMissing)) throw error;
      missing.push(`${name} is left out: ${error.message}`);
    }
  }
  return { peers, missing };
}

/** Prints the results as text and as Markdown, and writes them to the file `json`. */
export async function showResults(
  { before }: Pick<Harness, "before">,
  series: readonly Series[],
  aims: readonly Aim[],
  json: string | undefined,
): Promise<Results> {
  const results: Results = { ...before, load: [...before.load, load()], series, aims: judge(aims, series) };
  const [first, last] = results.load.map((load) => load.toFixed(1));
  console.log(`load ${first} before, ${last} after\n`);
  for (const line of tableLines(series)) console.log(line);
  console.log("");
  for (const judgement of results.aims) console.log(judgementLine(judgement));
  console.log("");
  for (const line of markdownLines(series, results.aims)) console.log(line);
  if (json !== undefined) {
    await Deno.mkdir(dirname(json), { recursive: true });
    await Deno.writeTextFile(json, resultsJson(results));
  }
  return results;
}

/** Runs a command and returns its stdout. @throws CommandFailed */
export async function stdoutOf({ program, args, env }: Command): Promise<string> {
  return (await capture(program, args, { env: { ...env } })).text;
}

/** @throws UsageError if one of `given` is not among `names` */
export function checkNames(what: string, given: readonly string[], names: readonly string[]): void {
  const unknown = given.find((name) => !names.includes(name));
  if (unknown !== undefined) throw new UsageError(`there is no ${what} ${unknown}: ${names.join(", ")}`);
}

/** Parses a positive integer. @throws UsageError */
export function positiveInteger(flag: string, text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new UsageError(`${flag} ${text}: a whole number from 1 on`);
  return value;
}

/** Runs a benchmark as a program; SIGINT and SIGTERM abort its signal, so that it cleans up. */
export async function runBenchmark(main: (args: string[], signal: AbortSignal) => Promise<void>): Promise<never> {
  const interrupted = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, () => interrupted.abort(new UsageError(`stopped by ${signal}`)));
  }
  try {
    await main(Deno.args, interrupted.signal);
    Deno.exit(0);
  } catch (error) {
    const isExpected = [UsageError, RunFailed, CommandFailed].some((type) => error instanceof type);
    if (!isExpected && !isArgumentError(error)) throw error;
    console.error(`bench: ${(error as Error).message}`);
    Deno.exit(1);
  }
}

/** Whether `parseArgs` threw the error. */
function isArgumentError(error: unknown): boolean {
  return error instanceof TypeError && "code" in error && String(error.code).startsWith("ERR_PARSE_ARGS");
}
