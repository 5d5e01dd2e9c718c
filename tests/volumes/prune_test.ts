/** `volume prune`, `system prune --volumes` and `system df`, with tsd's client and with docker's. */
import { strict as assert } from "node:assert";
import { expectResult, scenario, type World } from "../cli/setup.ts";
import { withBoth } from "../files/clients.ts";

const names = async (world: World) => (await world.tsd("volume", "ls", "-q")).stdout.split("\n").filter(Boolean);

/** One of each: named, anonymous, used. */
async function volumes(world: World): Promise<string> {
  await world.tsd("volume", "create", "--label", "keep", "named");
  await Deno.writeFile(`${world.engine.dataRoot}/volumes/named/_data/f`, new Uint8Array(2000));
  const anonymous = (await world.tsd("volume", "create")).stdout.trim();
  await Deno.writeFile(`${world.engine.dataRoot}/volumes/${anonymous}/_data/f`, new Uint8Array(500));
  await world.background("user", undefined, ["-v", "used:/d"]);
  return anonymous;
}

scenario("volumes that nobody uses", {
  "prune: anonymous ones, or all; what is used stays": withBoth(async (world, client) => {
    const anonymous = await volumes(world);
    expectResult(await client.call("volume", "prune", "-f"), {
      stdout: `Deleted Volumes:\n${anonymous}\n\nTotal reclaimed space: 500B\n`,
    });
    assert.deepEqual(await names(world), ["named", "used"]);
    expectResult(await client.call("volume", "prune", "-af", "--filter", "label!=keep"), {
      stdout: "Total reclaimed space: 0B\n",
    });
    expectResult(await client.call("volume", "prune", "-af"), {
      stdout: "Deleted Volumes:\nnamed\n\nTotal reclaimed space: 2kB\n",
    });
    await world.remove("user");
    await world.tsd("volume", "rm", "used");
  }),
  "system prune takes volumes when it is told to, and named ones never": withBoth(async (world, client) => {
    const anonymous = await volumes(world);
    await world.tsd("create", "--name", "over", "--network", "none", "-v", "/d", world.image, "true");
    const command = client.name === "tsd" ? ["prune", "-af"] : ["system", "prune", "-f"];
    expectResult(await client.call(...command), { stdout: /^Deleted Containers:\n/ });
    assert.equal((await names(world)).length, 4);
    const pruned = await client.call(...command, "--volumes");
    expectResult(pruned, { stdout: /^Deleted Volumes:\n/ });
    assert.ok(pruned.stdout.includes(anonymous));
    assert.deepEqual(await names(world), ["named", "used"]);
    await world.remove("user");
    await world.tsd("volume", "rm", "used", "named");
  }),
  "older clients take all": async (world) => {
    await world.tsd("volume", "create", "named");
    const answer = await world.engine.api.post("/v1.41/volumes/prune");
    assert.deepEqual(answer.json(), { VolumesDeleted: ["named"], SpaceReclaimed: 0 });
  },
  "system df": withBoth(async (world, client) => {
    const anonymous = await volumes(world);
    const { stdout } = await client.call("system", "df");
    assert.match(stdout, /^Local Volumes +3 +1 +2\.5kB +2\.5kB \(100%\)$/m);
    const detailed = (await client.call("system", "df", "-v")).stdout;
    assert.match(detailed, /^named +0 +2kB$/m);
    assert.match(detailed, /^used +1 +0B$/m);
    await world.remove("user");
    await world.tsd("volume", "rm", "used", "named", anonymous);
  }),
});
