/** `volume prune`, `system prune --volumes` and `system df`, with tsd's client and with docker's. */
import { strict as assert } from "node:assert";
import { expectResult, type Fixture, scenario } from "../cli/setup.ts";
import { withBoth } from "../files/clients.ts";

const names = async (fixture: Fixture) => (await fixture.tsd("volume", "ls", "-q")).stdout.split("\n").filter(Boolean);

/** Creates a named, an anonymous and a used volume. */
async function volumes(fixture: Fixture): Promise<string> {
  await fixture.tsd("volume", "create", "--label", "keep", "named");
  await Deno.writeFile(`${fixture.engine.dataRoot}/volumes/named/_data/f`, new Uint8Array(2000));
  const anonymous = (await fixture.tsd("volume", "create")).stdout.trim();
  await Deno.writeFile(`${fixture.engine.dataRoot}/volumes/${anonymous}/_data/f`, new Uint8Array(500));
  await fixture.background("user", undefined, ["-v", "used:/d"]);
  return anonymous;
}

scenario("unused volumes", {
  "prune: anonymous volumes, or all; used ones stay": withBoth(async (fixture, client) => {
    const anonymous = await volumes(fixture);
    expectResult(await client.call("volume", "prune", "-f"), {
      stdout: `Deleted Volumes:\n${anonymous}\n\nTotal reclaimed space: 500B\n`,
    });
    assert.deepEqual(await names(fixture), ["named", "used"]);
    expectResult(await client.call("volume", "prune", "-af", "--filter", "label!=keep"), {
      stdout: "Total reclaimed space: 0B\n",
    });
    expectResult(await client.call("volume", "prune", "-af"), {
      stdout: "Deleted Volumes:\nnamed\n\nTotal reclaimed space: 2kB\n",
    });
    await fixture.remove("user");
    await fixture.tsd("volume", "rm", "used");
  }),
  "system prune removes volumes on request, and named ones never": withBoth(async (fixture, client) => {
    const anonymous = await volumes(fixture);
    await fixture.tsd("create", "--name", "over", "--network", "none", "-v", "/d", fixture.image, "true");
    const command = client.name === "tsd" ? ["prune", "-af"] : ["system", "prune", "-f"];
    expectResult(await client.call(...command), { stdout: /^Deleted Containers:\n/ });
    assert.equal((await names(fixture)).length, 4);
    const pruned = await client.call(...command, "--volumes");
    expectResult(pruned, { stdout: /^Deleted Volumes:\n/ });
    assert.ok(pruned.stdout.includes(anonymous));
    assert.deepEqual(await names(fixture), ["named", "used"]);
    await fixture.remove("user");
    await fixture.tsd("volume", "rm", "used", "named");
  }),
  "older clients remove all": async (fixture) => {
    await fixture.tsd("volume", "create", "named");
    const answer = await fixture.engine.api.post("/v1.41/volumes/prune");
    assert.deepEqual(answer.json(), { VolumesDeleted: ["named"], SpaceReclaimed: 0 });
  },
  "system df": withBoth(async (fixture, client) => {
    const anonymous = await volumes(fixture);
    const { stdout } = await client.call("system", "df");
    assert.match(stdout, /^Local Volumes +3 +1 +2\.5kB +2\.5kB \(100%\)$/m);
    const detailed = (await client.call("system", "df", "-v")).stdout;
    assert.match(detailed, /^named +0 +2kB$/m);
    assert.match(detailed, /^used +1 +0B$/m);
    await fixture.remove("user");
    await fixture.tsd("volume", "rm", "used", "named", anonymous);
  }),
});
