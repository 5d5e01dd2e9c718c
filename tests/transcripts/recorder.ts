/** Plays all scenarios on a real dockerd and writes the golden files. */
import { type DockerDaemon, startDockerDaemon } from "../../bench/peers/docker_daemon.ts";
import { goldenFile, goldenText } from "./golden.ts";
import { clientVersion, configurationFor, dockerPeer, packagedClient, type Peer } from "./peers.ts";
import { play, prepare } from "./player.ts";
import type { Scenario } from "./scenario.ts";
import { setStage, type Stage } from "./stage.ts";

/** Records with the docker CLI on PATH, and with the one of Debian's package if that is another. */
export async function record(groups: Readonly<Record<string, readonly Scenario[]>>): Promise<void> {
  await using stage = await setStage();
  await using daemon = await startDockerDaemon({ configuration: configurationFor(stage) });
  for (const [version, peer] of await clientsOf(daemon)) {
    for (const [group, scenarios] of Object.entries(groups)) {
      const file = goldenFile(version, group);
      await Deno.mkdir(new URL(".", file), { recursive: true });
      await Deno.writeTextFile(file, await recording(scenarios, peer, stage));
    }
  }
}

async function clientsOf(daemon: DockerDaemon): Promise<Map<string, Peer>> {
  const programs = [packagedClient(daemon), daemon.client.program];
  const peers = programs.map(async (each) => [await clientVersion(each), dockerPeer(daemon, each)] as const);
  return new Map(await Promise.all(peers));
}

async function recording(scenarios: readonly Scenario[], peer: Peer, stage: Stage): Promise<string> {
  const all = [];
  for (const scenario of scenarios) {
    await prepare(peer);
    all.push({ scenario, played: await play(scenario, peer, stage) });
  }
  return goldenText(all);
}
