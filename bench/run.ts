/**
 * Measures tsd beside dockerd and podman in one run, on one machine, with the same images and the same runc:
 *
 *     ./dev bench run [version|run|exec|detached|pull ...] [--rounds N] [--pulls N] [--without NAME] [--phases] [--json FILE]
 *
 * See README.md here. Needs root. Whoever can't take part is named with the reason, and left out.
 */
import { dirname } from "node:path";
import { parseArgs } from "node:util";
import { CommandFailed } from "../scripts/project.ts";
import { bigImage, busyboxImage, pushImage } from "../tests/images/mod.ts";
import { startRealRegistry } from "../tests/registry/real.ts";
import { type Command, type Contender, ContenderMissing } from "./contenders/contender.ts";
import { startDocker } from "./contenders/dockerd.ts";
import { helloProgram } from "./contenders/hello.ts";
import { startPodman } from "./contenders/podman.ts";
import { startTsd, type Tsd } from "./contenders/tsd.ts";
import { judge } from "./measuring/aims.ts";
import { load, machineFacts } from "./measuring/machine.ts";
import { perform, RunFailed } from "./measuring/perform.ts";
import { phaseLines } from "./measuring/phases.ts";
import { judgementLine, machineLines, type Results, resultsJson, tableLines } from "./measuring/report.ts";
import { measure, type Series, type Turn } from "./measuring/rounds.ts";
import { HELLO, type Images, type Scenario, SCENARIOS } from "./measuring/scenarios.ts";

interface Options {
  readonly scenarios: readonly Scenario[];
  readonly rounds: number;
  readonly pulls: number;
  readonly without: readonly string[];
  readonly phases: boolean;
  readonly json?: string;
}

/** The command line is wrong. */
class UsageError extends Error {}

const PAUSE_MS = 50;
const WARM_UPS = { short: 3, long: 1 };
const PEERS = { docker: startDocker, podman: startPodman };
const BIG_IMAGE = { layers: 6, bytesPerLayer: 64 * 1024 * 1024, filesPerLayer: 2000 };

async function main(args: string[], signal: AbortSignal): Promise<void> {
  const options = parseOptions(args);
  if (Deno.uid() !== 0) throw new UsageError("engines that run containers need root: run this as root");
  await using undo = new AsyncDisposableStack();
  const images = await startImages(undo);
  const tsd = undo.use(await startTsd());
  const { peers, missing } = await startPeers(options, undo);
  const contenders = [tsd, ...peers];
  const facts = { date: new Date().toISOString(), machine: await machineFacts(), load: [load()] };
  for (const line of machineLines(facts.machine)) console.log(line);
  for (const { description } of contenders) console.log(description);
  for (const line of missing) console.log(line);
  for (const contender of contenders) await perform(contender.command("pull", images.busybox));
  const hello = undo.use(await helloProgram());
  const series: Series[] = [];
  for (const scenario of options.scenarios) {
    console.error(`bench: ${scenario.name} …`);
    series.push(...await measureScenario(scenario, { contenders, images, hello: hello.command, options, signal }));
  }
  facts.load.push(load());
  const aims = judge(options.scenarios.flatMap((scenario) => scenario.aims), series);
  const described = contenders.map(({ description }) => description);
  await show({ ...facts, contenders: described, missing, series, aims }, options.json);
  if (options.phases) await showPhases(tsd, images, options.rounds);
}

function parseOptions(args: string[]): Options {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      rounds: { type: "string", default: "20" },
      pulls: { type: "string", default: "5" },
      without: { type: "string", multiple: true, default: [] },
      phases: { type: "boolean", default: false },
      json: { type: "string" },
    },
  });
  const names = SCENARIOS.map(({ name }) => name);
  known("benchmark", positionals, names);
  known("peer", values.without, Object.keys(PEERS));
  const chosen = positionals.length === 0 ? names : positionals;
  return {
    ...values,
    scenarios: SCENARIOS.filter(({ name }) => chosen.includes(name)),
    rounds: count("--rounds", values.rounds),
    pulls: count("--pulls", values.pulls),
  };
}

function known(what: string, given: readonly string[], names: readonly string[]): void {
  const unknown = given.find((name) => !names.includes(name));
  if (unknown !== undefined) throw new UsageError(`there is no ${what} ${unknown}: ${names.join(", ")}`);
}

function count(flag: string, text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new UsageError(`${flag} ${text}: a whole number from 1 on`);
  return value;
}

/** A registry on loopback with the images. */
async function startImages(undo: AsyncDisposableStack): Promise<Images> {
  const registry = undo.use(await startRealRegistry());
  await pushImage(registry.url, "bench/busybox", "latest", await busyboxImage());
  await pushImage(registry.url, "bench/big", "latest", await bigImage(BIG_IMAGE));
  return { busybox: `${registry.host}/bench/busybox:latest`, big: `${registry.host}/bench/big:latest` };
}

async function startPeers({ without }: Options, undo: AsyncDisposableStack) {
  const peers: Contender[] = [];
  const missing: string[] = [];
  for (const [name, start] of Object.entries(PEERS)) {
    try {
      if (without.includes(name)) throw new ContenderMissing("--without");
      peers.push(undo.use(await start()));
    } catch (error) {
      if (!(error instanceof ContenderMissing)) throw error;
      missing.push(`${name} is left out: ${error.message}`);
    }
  }
  return { peers, missing };
}

/** Who is measured, and how. */
interface Field {
  readonly contenders: readonly Contender[];
  readonly images: Images;
  readonly hello: Command;
  readonly options: Options;
  readonly signal: AbortSignal;
}

async function measureScenario(scenario: Scenario, field: Field): Promise<Series[]> {
  const { contenders, images, hello, options, signal } = field;
  const turns: Turn[] = contenders.map((each) => ({ contender: each.name, ...scenario.turn(each, images) }));
  const { helloRows = [], isLong = false } = scenario;
  if (helloRows.length > 0) turns.push({ contender: HELLO, timed: helloRows.map((row) => ({ row, command: hello })) });
  const performAll = async (commandsOf: Scenario["setUp"]) => {
    for (const contender of contenders) {
      for (const command of commandsOf?.(contender, images) ?? []) await perform(command);
    }
  };
  await performAll(scenario.setUp);
  const series = await measure(turns, {
    rounds: isLong ? options.pulls : options.rounds,
    warmUps: isLong ? WARM_UPS.long : WARM_UPS.short,
    pauseMs: PAUSE_MS,
    signal,
    perform,
  });
  await performAll(scenario.tearDown);
  return series;
}

async function show(results: Results, json: string | undefined): Promise<void> {
  const [before, after] = results.load.map((load) => load.toFixed(1));
  console.log(`load ${before} before, ${after} after\n`);
  for (const line of tableLines(results.series)) console.log(line);
  if (results.aims.length > 0) console.log("");
  for (const judgement of results.aims) console.log(judgementLine(judgement));
  if (json === undefined) return;
  await Deno.mkdir(dirname(json), { recursive: true });
  await Deno.writeTextFile(json, resultsJson(results));
}

async function showPhases(tsd: Tsd, images: Images, rounds: number): Promise<void> {
  console.log("");
  for (const line of await phaseLines(tsd, images.busybox, rounds)) console.log(line);
}

if (import.meta.main) {
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

/** `parseArgs` found a flag that it doesn't know, or one without its value. */
function isArgumentError(error: unknown): boolean {
  return error instanceof TypeError && "code" in error && String(error.code).startsWith("ERR_PARSE_ARGS");
}
