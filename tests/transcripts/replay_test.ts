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
    for (const peer of peersOf(engine)) {
      const model = await modelOf(peer);
      for (const [group, scenarios] of Object.entries(GROUPS)) {
        const golden = await Deno.readTextFile(goldenFile(model.version, group));
        for (const scenario of scenarios) {
          const name = `${peer.client}: ${scenario.name}${
            model.isExact ? "" : ` (exit codes; as docker ${model.version})`
          }`;
          await test.step(name, () => replay(scenario, golden, peer, stage, model.isExact));
        }
      }
    }
  },
});

/** Whose transcripts a client is held to. A docker CLI that nobody has recorded has words of its own: its exit codes count. */
async function modelOf({ client }: Peer): Promise<{ readonly version: string; readonly isExact: boolean }> {
  const recorded = recordedClients();
  const newest = recorded.at(-1)!;
  if (client === "tsd") return { version: newest, isExact: true };
  const version = await clientVersion();
  return recorded.includes(version) ? { version, isExact: true } : { version: newest, isExact: false };
}

async function replay(scenario: Scenario, golden: string, peer: Peer, stage: Stage, isExact: boolean): Promise<void> {
  const recorded = recordedSteps(golden, scenario, scenario.steps.map((step) => stepOf(step).line));
  await prepare(peer);
  const played = await play(scenario, peer, stage);
  const problems = played.flatMap(({ step, text }, at) => {
    const problem = text === undefined ? undefined : mismatch(step, recorded[at]!, text, peer.client, isExact);
    return problem === undefined ? [] : [`${step.line}: ${problem}`];
  });
  if (problems.length > 0) throw new Error(`not as Docker:\n${problems.join("\n")}`);
}
