/**
 * Volumes without containers, with tsd's client and with docker's: created, listed, inspected, removed, and their
 * events.
 */
import { strict as assert } from "node:assert";
import { expectResult, scenario } from "../cli/setup.ts";
import { withBoth } from "../files/clients.ts";

scenario("volumes", {
  "create, ls, inspect, rm": withBoth(async (fixture, client) => {
    const { dataRoot } = fixture.engine;
    expectResult(await client.call("volume", "create", "--label", "owner=me", "data"), { stdout: "data\n" });
    expectResult(await client.call("volume", "create", "data"), { stdout: "data\n" });
    const made = await client.call("volume", "create");
    expectResult(made, { stdout: /^[0-9a-f]{64}\n$/ });
    const anonymous = made.stdout.trim();
    expectResult(await client.call("volume", "ls", "-f", "name=^data$"), {
      stdout: "DRIVER    VOLUME NAME\nlocal     data\n",
    });
    expectResult(await client.call("volume", "ls", "-q"), { stdout: `${[anonymous, "data"].sort().join("\n")}\n` });
    expectResult(await client.call("volume", "ls", "--filter", "label=owner=me", "--format", "json"), {
      stdout: `{"Availability":"N/A","Driver":"local","Group":"N/A","Labels":"owner=me","Links":"N/A",` +
        `"Mountpoint":"${dataRoot}/volumes/data/_data","Name":"data","Scope":"local","Size":"N/A","Status":"N/A"}\n`,
    });
    expectResult(await client.call("volume", "ls", "-f", "label=owner", "--format", '{{.Name}} {{.Label "owner"}}'), {
      stdout: "data me\n",
    });
    const shown = JSON.parse((await client.call("volume", "inspect", "data")).stdout);
    assert.match(shown[0].CreatedAt, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    assert.deepEqual(shown, [{
      CreatedAt: shown[0].CreatedAt,
      Driver: "local",
      Labels: { owner: "me" },
      Mountpoint: `${dataRoot}/volumes/data/_data`,
      Name: "data",
      Options: null,
      Scope: "local",
    }]);
    expectResult(await client.call("inspect", "-f", "{{.Name}} {{.Scope}}", "data"), { stdout: "data local\n" });
    expectResult(await client.call("inspect", "--type", "volume", "-f", "{{json .Labels}}", anonymous), {
      stdout: '{"com.docker.volume.anonymous":""}\n',
    });
    expectResult(await client.call("volume", "rm", "nosuch", "data"), {
      code: 1,
      stdout: "data\n",
      stderr: client.says("get nosuch: no such volume"),
    });
    expectResult(await client.call("volume", "rm", "-f", "data", anonymous), { stdout: `data\n${anonymous}\n` });
    expectResult(await client.call("volume", "ls", "-q"), {});
  }),
  "invalid requests": withBoth(async (fixture, client) => {
    for (
      const [args, message] of [
        [["a"], "create a: volume name is too short, names should be at least two alphanumeric characters"],
        [["-d", "odd", "data"], 'create data: error looking up volume plugin odd: plugin "odd" not found'],
        [["-o", "odd=1", "data"], 'create data: invalid option: "odd"'],
        [["-o", "type=none", "data"], 'create data: missing required option: "device"'],
      ] as const
    ) {
      expectResult(await client.call("volume", "create", ...args), {
        code: 1,
        stderr: client.says(message),
      });
    }
    const answer = await fixture.engine.api.get(`/volumes?filters=${encodeURIComponent('{"odd":["1"]}')}`);
    assert.equal(answer.status, 400);
    assert.match(answer.text(), /invalid filter 'odd'/);
  }),
  "events": async (fixture) => {
    const since = String(Date.now() / 1000);
    await fixture.docker("volume", "create", "told");
    await fixture.docker("volume", "rm", "told");
    const format = "{{.Type}} {{.Action}} {{.Actor.ID}} {{.Actor.Attributes.driver}}";
    const range = ["--since", since, "--until", String(Date.now() / 1000 + 0.001)];
    expectResult(await fixture.docker("events", ...range, "--filter", "volume=told", "--format", format), {
      stdout: "volume create told local\nvolume destroy told local\n",
    });
  },
  "they persist across engines": async (fixture) => {
    await fixture.tsd("volume", "create", "kept");
    await Deno.writeTextFile(`${fixture.engine.dataRoot}/volumes/kept/_data/f`, "text");
    await fixture.engine.restart("SIGKILL");
    expectResult(await fixture.tsd("volume", "ls", "-q"), { stdout: "kept\n" });
    assert.equal(await Deno.readTextFile(`${fixture.engine.dataRoot}/volumes/kept/_data/f`), "text");
    expectResult(await fixture.tsd("volume", "rm", "kept"), { stdout: "kept\n" });
  },
});
