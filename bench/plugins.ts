/**
 * Measures the cost of plugins for a run: an engine without plugins, one with an observing plugin, and one with ten.
 *
 *     ./dev bench plugins [--rounds N] [--json FILE]
 *
 * The figure is the difference between the engines' runs of the same round. See README.md.
 */
import { parseArgs } from "node:util";
import { join } from "node:path";
import { CommandFailed } from "../scripts/project.ts";
import { busyboxImage, pushImage } from "../tests/images/mod.ts";
import { startRealRegistry } from "../tests/registry/real.ts";
import { startTsd, type Tsd } from "./peers/tsd.ts";
import type { Aim } from "./measuring/aims.ts";
import { positiveInteger, runBenchmark, showResults } from "./measuring/harness.ts";
import { load, machineInfo } from "./measuring/machine.ts";
import { exec } from "./measuring/exec.ts";
import { machineLines } from "./measuring/report.ts";
import { measure, type Series } from "./measuring/rounds.ts";
import { commandTurn } from "./measuring/timed_commands.ts";

const RUN = "run --rm --network host busybox true";
const PAUSE_MS = 50;
/** Numbers of plugins, and the aim for their cost. */
const COUNTS = [{ plugins: 1, limitMs: 3 }, { plugins: 10, limitMs: 10 }] as const;

const rowOf = (plugins: number) => `what ${plugins} observing plugin${plugins === 1 ? " costs" : "s cost"} it`;
const AIMS: readonly Aim[] = COUNTS.map(({ plugins, limitMs }) => ({
  of: { row: rowOf(plugins), peer: "tsd" },
  bound: "at most",
  limit: limitMs,
}));

/** Returns the source of a plugin that counts the events of a run. */
const observer = (name: string) => `
const seen = {};
const count = (hook) => () => { seen[hook] = (seen[hook] ?? 0) + 1; };
const hooks = ["container.started", "container.exited", "container.removed", "volume.created", "image.pulled"];
export default {
  name: ${JSON.stringify(name)},
  apiVersion: 1,
  hooks: Object.fromEntries(hooks.map((hook) => [hook, count(hook)])),
};
`;

async function main(args: string[], signal: AbortSignal): Promise<void> {
  const { values } = parseArgs({
    args,
    options: { rounds: { type: "string", default: "30" }, json: { type: "string" } },
  });
  const rounds = positiveInteger("--rounds", values.rounds);
  await using undo = new AsyncDisposableStack();
  const machine = await machineInfo();
  for (const line of machineLines(machine)) console.log(line);
  const registry = undo.use(await startRealRegistry());
  await pushImage(registry.url, "bench/busybox", "latest", await busyboxImage());
  const image = `${registry.host}/bench/busybox:latest`;
  const engines: Tsd[] = [];
  for (const plugins of [0, ...COUNTS.map(({ plugins }) => plugins)]) {
    const tsd = undo.use(await startTsd());
    await exec(tsd.command("pull", image));
    for (let at = 0; at < plugins; at++) await install(tsd, `observer-${at}`);
    engines.push(tsd);
  }
  const before = {
    ...{ date: new Date().toISOString(), machine, load: [load()], missing: [] },
    peers: [engines[0]!.description],
  };
  const turns = engines.map((tsd, at) => {
    const timed = [{ row: RUN, work: tsd.command("run", "--rm", "--network", "host", image, "true") }];
    return commandTurn(nameOf(at), { timed }, exec);
  });
  const series = await measure(turns, { rounds, warmUps: 3, pauseMs: PAUSE_MS, signal });
  await showResults(
    { before },
    [...series, ...COUNTS.map(({ plugins }, at) => difference(series, at + 1, plugins))],
    AIMS,
    values.json,
  );
}

const nameOf = (at: number) => at === 0 ? "tsd" : `tsd, plugins: ${COUNTS[at - 1]!.plugins}`;

async function install({ engine }: Tsd, name: string): Promise<void> {
  const file = join(engine.dir, `${name}.js`);
  await Deno.writeTextFile(file, observer(name));
  const { code, stderr } = await engine.tsd(["plugin", "install", file]);
  if (code !== 0) throw new CommandFailed(`${name} was not installed: ${stderr}`);
}

/** Returns the difference to the engine without plugins, round by round. */
function difference(series: readonly Series[], at: number, plugins: number): Series {
  const [none, some] = [0, at].map((each) => series.find(({ peer }) => peer === nameOf(each))!.samples);
  return {
    ...{ row: rowOf(plugins), peer: "tsd", unit: "ms" },
    samples: some!.map((value, round) => value - none![round]!),
  };
}

if (import.meta.main) await runBenchmark(main);
