/**
 * tsd answers as Docker does: what dockerd said (golden/, see README.md) is what the docker CLI says on tsd, and what tsd's
 * own client says. UPDATE_GOLDEN=1 (`./dev golden transcripts`) asks dockerd again first.
 */
import { requires } from "../requires.ts";
import { mismatch } from "./comparison.ts";
import { goldenFile, recordedClients, recordedSteps } from "./golden.ts";
import { clientVersion, engineFor, type Peer, peersOf } from "./peers.ts";
import { play, prepare } from "./player.ts";
import { type Scenario, stepOf } from "./scenario.ts";
import { GROUPS } from "./scenarios/mod.ts";
import { setStage, type Stage } from "./stage.ts";

Deno.test({
  name: "transcripts of Docker",
  ...requires("root", "runc", "docker"),
  async fn(test) {
    if (Deno.env.get("UPDATE_GOLDEN") === "1") await (await import("./recorder.ts")).record(GROUPS);
    await using stage = await setStage();
    await using engine = await engineFor(stage);
    const version = await goldenVersion();
    for (const peer of peersOf(engine)) {
      for (const [group, scenarios] of Object.entries(GROUPS)) {
        const golden = await Deno.readTextFile(goldenFile(version, group));
        for (const scenario of scenarios) {
          await test.step(`${peer.client}: ${scenario.name}`, () => replay(scenario, golden, peer, stage));
        }
      }
    }
  },
});

/** That of the docker CLI here, or of the newest one before it. */
async function goldenVersion(): Promise<string> {
  const here = await clientVersion();
  return recordedClients().findLast((each) => Number(each) <= Number(here)) ?? recordedClients()[0]!;
}

async function replay(scenario: Scenario, golden: string, peer: Peer, stage: Stage): Promise<void> {
  const recorded = recordedSteps(golden, scenario, scenario.steps.map((step) => stepOf(step).line));
  await prepare(peer);
  const played = await play(scenario, peer, stage);
  const problems = played.flatMap(({ step, text }, at) => {
    const problem = text === undefined ? undefined : mismatch(step, recorded[at]!, text, peer.client);
    return problem === undefined ? [] : [`${step.line}: ${problem}`];
  });
  if (problems.length > 0) throw new Error(`not as Docker:\n${problems.join("\n")}`);
}
