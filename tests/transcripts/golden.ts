/** The golden files: `golden/<client's major version>/<group>.txt`, which only {@link record} writes. */
import type { Played } from "./player.ts";
import { splitSteps } from "./rendering.ts";
import type { Scenario } from "./scenario.ts";

const DIR = new URL("./golden/", import.meta.url);

/** Returns the versions of the docker CLI that dockerd was recorded with. */
export function recordedClients(): string[] {
  return Array.from(Deno.readDirSync(DIR), ({ name }) => name).sort((a, b) => Number(a) - Number(b));
}

export function goldenFile(client: string, group: string): URL {
  return new URL(`${client}/${group}.txt`, DIR);
}

/** Returns the steps' recorded texts. @throws Error if they do not belong to the scenario */
export function recordedSteps(golden: string, scenario: Scenario, lines: readonly string[]): string[] {
  const part = golden.split(/^(?=# )/m).find((each) => each.startsWith(`# ${scenario.name}\n`));
  const steps = splitSteps(part ?? "");
  const recorded = steps.map((step) => step.slice(2, step.indexOf("\n")));
  const at = lines.findIndex((line, index) => line !== recorded[index]);
  if (at >= 0 || recorded.length !== lines.length) {
    const what = lines[at] ?? recorded[lines.length];
    throw new Error(`"${scenario.name}" was recorded with other commands, see "${what}": ./dev golden transcripts`);
  }
  return steps;
}

export function goldenText(scenarios: readonly { readonly scenario: Scenario; readonly played: readonly Played[] }[]) {
  const parts = scenarios.map(({ scenario, played }) => [`# ${scenario.name}\n`, ...played.map(({ text }) => text)]);
  return parts.map((part) => part.join("\n")).join("\n");
}
