/** Plays a scenario with a client on an engine, and returns the output as text. */
import { Normaliser } from "./normalise.ts";
import type { Peer } from "./peers.ts";
import { rendered } from "./rendering.ts";
import { type Scenario, type Step, stepOf, stringsOf } from "./scenario.ts";
import type { Stage } from "./stage.ts";
import { Variables } from "./variables.ts";

const STEP_TIMEOUT_MS = 30_000;

/** The output of a step, or undefined if the step is not for this client. */
export interface Played {
  readonly step: Step;
  readonly text: string | undefined;
}

export async function play(scenario: Scenario, peer: Peer, stage: Stage): Promise<readonly Played[]> {
  const directory = await Deno.makeTempDir({ dir: stage.dir });
  const variables = new Variables({ "folder": directory, host: stage.registry.host });
  const normaliser = new Normaliser({ [directory]: "FOLDER", [stage.registry.host]: "127.0.0.1:PORTS" }, stage.ids);
  const played: Played[] = [];
  try {
    for (const step of scenario.steps.map(stepOf)) {
      const skipped = peer.client === "tsd" && step.notForTsd !== undefined;
      played.push({ step, text: skipped ? undefined : await playStep(step, peer, variables, normaliser) });
    }
  } finally {
    await clear(scenario, peer);
  }
  return played;
}

async function playStep(step: Step, peer: Peer, variables: Variables, normaliser: Normaliser): Promise<string> {
  const words = stringsOf(step.line).map((word) => variables.insert(word));
  const stdin = step.stdin === undefined ? undefined : variables.insert(step.stdin);
  const result = await peer.run(words, { stdin, env: step.env, timeoutMs: STEP_TIMEOUT_MS });
  if (step.keep !== undefined) variables.keep(step.keep, result.stdout.trimEnd());
  return rendered(step, result, (text) => normaliser.normalise(text));
}

/** Restores the initial state of every scenario: busybox, and nothing else. */
export async function prepare(peer: Peer): Promise<void> {
  if (await linesFrom(peer, "images", "--quiet").then((ids) => ids.length === 0)) {
    await linesFrom(peer, "pull", "busybox");
  }
}

async function clear({ images, volumes, networks }: Scenario, peer: Peer): Promise<void> {
  const containers = await linesFrom(peer, "ps", "--all", "--quiet");
  if (containers.length > 0) await linesFrom(peer, "rm", "--force", ...containers);
  const kinds = [...volumes ? [["volume"]] : [], ...networks ? [["network", "--filter", "type=custom"]] : []];
  for (const [kind, ...filter] of kinds as [string, ...string[]][]) {
    const left = await linesFrom(peer, kind, "ls", "--quiet", ...filter);
    if (left.length > 0) await linesFrom(peer, kind, "rm", ...left);
  }
  if (!images) return;
  const ids = new Set(await linesFrom(peer, "images", "--all", "--quiet"));
  if (ids.size > 0) await linesFrom(peer, "rmi", "--force", ...ids);
}

/** Returns the lines that a command prints. @throws Error if it fails */
async function linesFrom(peer: Peer, ...args: string[]): Promise<string[]> {
  const { code, stdout, stderr } = await peer.run(args, { timeoutMs: STEP_TIMEOUT_MS });
  if (code !== 0) throw new Error(`${peer.client} ${args.join(" ")} between scenarios: ${stderr}`);
  return stdout.split("\n").filter((line) => line !== "");
}
