/**
 * Measures the duration of commands of tsd, dockerd and podman, with the same images and the same runc:
 *
 *     ./dev bench run [version|run|exec|detached|stop|crowd ...] [--rounds N] [--long-rounds N] [--crowd N]
 *         [--without NAME] [--phases] [--json FILE]
 *
 * Needs root. A peer that is not available is named with the reason and omitted. See README.md.
 */
import { parseArgs } from "node:util";
import type { Command } from "./peers/peer.ts";
import { helloProgram } from "./peers/hello.ts";
import {
  checkNames,
  type Harness,
  positiveInteger,
  runBenchmark,
  showResults,
  startHarness,
} from "./measuring/harness.ts";
import { exec } from "./measuring/exec.ts";
import { phaseLines } from "./measuring/phases.ts";
import { measure, type Series } from "./measuring/rounds.ts";
import { HELLO, type Scenario, SCENARIOS, type Size } from "./measuring/scenarios.ts";
import { commandTurn } from "./measuring/timed_commands.ts";

interface Options {
  readonly scenarios: readonly Scenario[];
  readonly rounds: number;
  readonly longRounds: number;
  readonly size: Size;
  readonly without: readonly string[];
  readonly phases: boolean;
  readonly json?: string;
}

const PAUSE_MS = 50;
const WARM_UPS = { short: 3, long: 1 };

async function main(args: string[], signal: AbortSignal): Promise<void> {
  const options = parseOptions(args);
  await using undo = new AsyncDisposableStack();
  const harness = await startHarness(options.without, undo);
  const hello = undo.use(await helloProgram());
  const series: Series[] = [];
  for (const scenario of options.scenarios) {
    console.error(`bench: ${scenario.name} …`);
    series.push(...await measureScenario(scenario, harness, hello.command, options, signal));
  }
  await showResults(
    harness,
    series,
    options.scenarios.flatMap((scenario) => scenario.aims(options.size)),
    options.json,
  );
  if (options.phases) {
    console.log("");
    for (const line of await phaseLines(harness.tsd, harness.images.busybox, options.rounds)) console.log(line);
  }
}

function parseOptions(args: string[]): Options {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      rounds: { type: "string", default: "20" },
      "long-rounds": { type: "string", default: "5" },
      crowd: { type: "string", default: "50" },
      without: { type: "string", multiple: true, default: [] },
      phases: { type: "boolean", default: false },
      json: { type: "string" },
    },
  });
  const names = SCENARIOS.map(({ name }) => name);
  checkNames("benchmark", positionals, names);
  const chosen = positionals.length === 0 ? names : positionals;
  return {
    ...values,
    scenarios: SCENARIOS.filter(({ name }) => chosen.includes(name)),
    rounds: positiveInteger("--rounds", values.rounds),
    longRounds: positiveInteger("--long-rounds", values["long-rounds"]),
    size: { crowd: positiveInteger("--crowd", values.crowd) },
  };
}

async function measureScenario(
  scenario: Scenario,
  { peers, images }: Harness,
  hello: Command,
  { rounds, longRounds, size }: Options,
  signal: AbortSignal,
): Promise<Series[]> {
  const turns = peers.map((each) => commandTurn(each.name, scenario.turn(each, images, size), exec));
  const { helloRows = [], isLong = false } = scenario;
  if (helloRows.length > 0) {
    turns.push(commandTurn(HELLO, { timed: helloRows.map((row) => ({ row, work: hello })) }, exec));
  }
  const execAll = async (commandsOf: Scenario["setUp"]) => {
    for (const peer of peers) {
      for (const command of commandsOf?.(peer, images) ?? []) await exec(command);
    }
  };
  await execAll(scenario.setUp);
  const series = await measure(turns, {
    rounds: isLong ? longRounds : rounds,
    warmUps: isLong ? WARM_UPS.long : WARM_UPS.short,
    pauseMs: PAUSE_MS,
    signal,
  });
  await execAll(scenario.tearDown);
  return series;
}

if (import.meta.main) await runBenchmark(main);
