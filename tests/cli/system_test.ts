import { strict as assert } from "node:assert";
import { runCommand, tsd } from "../harness/mod.ts";
import { busyboxBuilder, file, pushImage } from "../images/mod.ts";
import { requires } from "../requires.ts";
import { expectResult, scenario } from "./setup.ts";

const NO_ENGINE =
  /^tsd: Cannot connect to the engine at unix:\S+\/nobody\.sock: there is no such socket\. Is the engine running\?\n$/;

const MARK = "damaged, damaged";

/** Flips a few bytes of a layer's file, as a faulty disk does, which the engine's immutability flags do not prevent. */
const DAMAGE = `cd "$1"; chattr -R -i . || true
  file=layer.tar; [ -e "$file" ] || file=$(find . -name data -type f)
  cp "$file" other; printf "${MARK}" | dd of=other bs=1 seek=600 conv=notrunc; mv -f other "$file"`;

scenario("tsd system check", {
  "damaged layers and the images that use them are named; after a new pull the check succeeds": async (fixture) => {
    const { engine } = fixture;
    const content = new Uint8Array(5000).fill(7);
    const built = await busyboxBuilder().layer([file("data", content)]).build();
    for (const tag of ["1", "2"]) await pushImage(fixture.registry.url, "checked", tag, built);
    const images = ["1", "2"].map((tag) => `${fixture.registry.host}/checked:${tag}`);
    for (const image of images) await fixture.tsd("pull", "-q", image);
    expectResult(await fixture.tsd("system", "check"), { stdout: /^Checked: \d+, damaged: 0\n$/ });
    const { RootFS } = JSON.parse((await fixture.tsd("image", "inspect", images[0]!)).stdout)[0];
    const diffId: string = RootFS.Layers.at(-1);
    const dir = `${engine.layerRoot}/layers/${diffId.replace("sha256:", "")}`;
    const damaged = await runCommand("sh", ["-ec", DAMAGE, "sh", dir]);
    assert.equal(damaged.code, 0, damaged.stderr);
    const named = new RegExp(`^layer ${diffId} of ${images[0]}: .*\n$`);
    expectResult(await fixture.tsd("system", "check", "-q", images[0]!), {
      code: 1,
      stdout: named,
      stderr: "Remove the images that have it (tsd rmi) and pull them again.\n",
    });
    expectResult(await fixture.tsd("system", "check", "-q", fixture.image), {});
    expectResult(await fixture.tsd("system", "check", "nosuch"), {
      code: 1,
      stderr: "tsd: No such image: nosuch:latest\n",
    });
    await fixture.tsd("rmi", ...images);
    await fixture.tsd("pull", "-q", images[0]!);
    expectResult(await fixture.tsd("system", "check", "-q"), {});
    expectResult(await fixture.tsd("run", "--rm", "--network", "none", images[0]!, "wc", "-c", "/data"), {
      stdout: "5000 /data\n",
    });
    await fixture.tsd("rmi", images[0]!);
  },
});

scenario("tsd version and info", {
  "version shows client and engine, also as JSON": async (fixture) => {
    expectResult(await fixture.tsd("version"), {
      stdout:
        /^Client:\n Version: +\S+\n API version: +1\.50\n Form: +(portable|compiled)\n[^]*\nServer:\n Engine:\n {2}Version: +\S+\n {2}API version: +1\.50 \(minimum version 1\.24\)\n[^]* runc:\n {2}Version: +\S+\n$/,
    });
    const { stdout } = await fixture.tsd("version", "--format", "json");
    const { Client, Server } = JSON.parse(stdout);
    assert.equal(Client.Version, Server.Version);
    assert.deepEqual(Server.Components.map(({ Name }: { Name: string }) => Name), ["Engine", "deno", "runc"]);
  },
  "info counts containers and images": async (fixture) => {
    await fixture.background("up");
    await fixture.tsd("create", "--network", "none", "--name", "still", fixture.image);
    const { code, stdout, stderr } = await fixture.tsd("info");
    assert.deepEqual([code, stderr], [0, ""]);
    assert.match(stdout, /\n Containers: 2\n {2}Running: 1\n {2}Paused: 0\n {2}Stopped: 1\n Images: 1\n/);
    for (
      const line of [
        ` Storage Driver: ${fixture.engine.driver}`,
        ...(fixture.engine.driver === "erofs" ? ["  Layer mounts: ", "  Layer files: "] : []),
        " Default Runtime: runc",
        ` Tsd Root Dir: ${fixture.engine.dataRoot}`,
      ]
    ) {
      assert.ok(stdout.includes(`\n${line}${line.endsWith(": ") ? "" : "\n"}`), `${line} in ${stdout}`);
    }
    const info = JSON.parse((await fixture.tsd("info", "--format", "json")).stdout);
    assert.deepEqual([info.Containers, info.ContainersRunning, info.OSType], [2, 1, "linux"]);
    await fixture.remove("up", "still");
  },
  "-H and TSD_HOST select the engine": async (fixture) => {
    const { engine } = fixture;
    const nowhere = { TSD_HOST: `unix://${fixture.dir}/nobody.sock`, DOCKER_HOST: "" };
    expectResult(await engine.tsd(["-H", engine.host, "ps", "-q"], { env: nowhere }), {});
    expectResult(await engine.tsd(["ps"], { env: nowhere }), {
      code: 1,
      stderr: NO_ENGINE,
    });
    expectResult(await engine.tsd(["ps", "-q"], { env: { TSD_HOST: "", DOCKER_HOST: engine.host } }), {});
  },
});

Deno.test(
  "without an engine, version shows the client's, every other command fails with one line",
  requires("root"),
  async () => {
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
  },
);
