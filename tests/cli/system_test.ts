import { strict as assert } from "node:assert";
import { tsd } from "../harness/mod.ts";
import { requires } from "../requires.ts";
import { expectResult, scenario } from "./world.ts";

const NO_ENGINE =
  /^tsd: Cannot connect to the engine at unix:\S+\/nobody\.sock: there is no such socket\. Is the engine running\?\n$/;

scenario("tsd version and info", {
  "version: both sides, also as JSON": async (world) => {
    expectResult(await world.tsd("version"), {
      stdout:
        /^Client:\n Version: +\S+\n API version: +1\.50\n Form: +(portable|compiled)\n[^]*\nServer:\n Engine:\n {2}Version: +\S+\n {2}API version: +1\.50 \(minimum version 1\.24\)\n[^]* runc:\n {2}Version: +\S+\n$/,
    });
    const { stdout } = await world.tsd("version", "--format", "json");
    const { Client, Server } = JSON.parse(stdout);
    assert.equal(Client.Version, Server.Version);
    assert.deepEqual(Server.Components.map(({ Name }: { Name: string }) => Name), ["Engine", "deno", "runc"]);
  },
  "info counts containers and images": async (world) => {
    await world.background("up");
    await world.tsd("create", "--network", "none", "--name", "still", world.image);
    const { code, stdout, stderr } = await world.tsd("info");
    assert.deepEqual([code, stderr], [0, ""]);
    assert.match(stdout, /\n Containers: 2\n {2}Running: 1\n {2}Paused: 0\n {2}Stopped: 1\n Images: 1\n/);
    for (
      const line of [
        ` Storage Driver: ${world.engine.driver}`,
        ...(world.engine.driver === "erofs" ? ["  Layer mounts: ", "  Layer files: "] : []),
        " Default Runtime: runc",
        ` Tsd Root Dir: ${world.engine.dataRoot}`,
      ]
    ) {
      assert.ok(stdout.includes(`\n${line}${line.endsWith(": ") ? "" : "\n"}`), `${line} in ${stdout}`);
    }
    const info = JSON.parse((await world.tsd("info", "--format", "json")).stdout);
    assert.deepEqual([info.Containers, info.ContainersRunning, info.OSType], [2, 1, "linux"]);
    await world.remove("up", "still");
  },
  "-H and TSD_HOST name the engine": async (world) => {
    const { engine } = world;
    const nowhere = { TSD_HOST: `unix://${world.folder}/nobody.sock`, DOCKER_HOST: "" };
    expectResult(await engine.tsd(["-H", engine.host, "ps", "-q"], { env: nowhere }), {});
    expectResult(await engine.tsd(["ps"], { env: nowhere }), {
      code: 1,
      stderr: NO_ENGINE,
    });
    expectResult(await engine.tsd(["ps", "-q"], { env: { TSD_HOST: "", DOCKER_HOST: engine.host } }), {});
  },
});

Deno.test("without an engine: version tells the client's, everything else is one line", requires("root"), async () => {
  const version = await tsd(["version"]);
  assert.equal(version.code, 1);
  assert.match(version.stdout, /^Client:\n Version: /);
  assert.match(version.stderr, NO_ENGINE);
  const others: readonly (readonly [args: string[], code: number])[] = [
    [["ps"], 1],
    [["info"], 1],
    [["pull", "busybox"], 1],
    [["run", "busybox"], 125],
    [["create", "busybox"], 1],
    [["rm", "x"], 1],
    [["logs", "x"], 1],
    [["exec", "x", "id"], 1],
  ];
  for (const [args, expected] of others) {
    const { code, stdout, stderr } = await tsd(args);
    assert.deepEqual([args, code], [args, expected]);
    assert.match(stdout, /^(Using default tag: latest\n)?$/);
    assert.match(stderr, NO_ENGINE);
  }
});
