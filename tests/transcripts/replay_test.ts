/**
 * tsd answers as Docker does: dockerd's recorded output (golden/, see README.md) is that of the docker CLI on tsd, and
 * of tsd's client. UPDATE_GOLDEN=1 (`./dev golden transcripts`) records dockerd again first.
 */
import { requires } from "../requires.ts";
import { mismatch } from "./comparison.ts";
import { goldenFile, recordedClients, recordedSteps } from "./golden.ts";
import { clientVersion, engineFor, type Peer, peerOn } from "./peers.ts";
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
    // Each client has a separate engine, so that they can play concurrently.
    await using forDocker = await engineFor(stage);
    await using forTsd = await engineFor(stage);
    const actors = [await actor(peerOn(forDocker, "docker")), await actor(peerOn(forTsd, "tsd"))];
    for (const [group, scenarios] of Object.entries(GROUPS)) {
      for (const scenario of scenarios) {
        await test.step(scenario.name, async () => {
          const problems = await Promise.all(actors.map((each) => replay(scenario, group, each, stage)));
          if (problems.flat().length > 0) throw new Error(`not as Docker:\n${problems.flat().join("\n")}`);
        });
      }
    }
  },
});

/** A client, and the recordings that it is compared with. */
interface Actor {
  readonly peer: Peer;
  readonly version: string;
  /** Otherwise only exit codes are compared. */
  readonly isExact: boolean;
}

/** Chooses the recordings; a docker CLI of an unrecorded version may print other texts. */
async function actor(peer: Peer): Promise<Actor> {
  const recorded = recordedClients();
  const newest = recorded.at(-1)!;
  if (peer.client === "tsd") return { peer, version: newest, isExact: true };
  const version = await clientVersion();
  if (recorded.includes(version)) return { peer, version, isExact: true };
  console.warn(
    `transcripts: docker CLI ${version} was not recorded: only exit codes are compared, with those of ${newest}`,
  );
  return { peer, version: newest, isExact: false };
}

async function replay(scenario: Scenario, group: string, { peer, version, isExact }: Actor, stage: Stage) {
  const golden = await Deno.readTextFile(goldenFile(version, group));
  const recorded = recordedSteps(golden, scenario, scenario.steps.map((step) => stepOf(step).line));
  await prepare(peer);
  const played = await play(scenario, peer, stage);
  return played.flatMap(({ step, text }, at) => {
    const problem = text === undefined ? undefined : mismatch(step, recorded[at]!, text, peer.client, isExact);
    return problem === undefined ? [] : [`${peer.client} ${step.line}: ${problem}`];
  });
}
