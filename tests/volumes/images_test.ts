/** Images mounted in containers (`--mount type=image`), with tsd's client and with docker's. */
import { strict as assert } from "node:assert";
import { expectResult, type Fixture, scenario } from "../cli/setup.ts";
import { type FileClient, withBoth } from "../files/clients.ts";
import { dir, file, ImageBuilder, pushImage, symlink, whiteout } from "../images/mod.ts";

/** Pushes an image of data files only: nothing in it can run. */
async function tools(fixture: Fixture): Promise<string> {
  const directory = dir("opt", { mode: 0o750, uid: 7, gid: 8 });
  const image = await new ImageBuilder()
    .layer([
      directory,
      file("opt/tool", "tool\n", { mode: 0o755, uid: 9 }),
      file("opt/old", "old\n"),
      symlink("up", "../../../../etc"),
      symlink("out", "/etc"),
    ])
    .layer([directory, file("opt/new", "new\n"), whiteout("opt/old")])
    .build();
  await pushImage(fixture.registry.url, "tools", "1", image);
  const name = `${fixture.registry.host}/tools:1`;
  await fixture.tsd("pull", "-q", name);
  return name;
}

const mounted = (name: string, more = "") => ["--mount", `type=image,src=${name},dst=/m${more}`];

const run = (fixture: Fixture, client: FileClient, flags: readonly string[], script: string) =>
  client.call("run", "--rm", "--network", "none", ...flags, fixture.image, "sh", "-c", script);

scenario("images in containers", {
  "its layers are one read-only tree": withBoth(async (fixture, client) => {
    const image = await tools(fixture);
    const look = "stat -c '%a %u:%g' /m/opt /m/opt/tool; ls /m/opt; cat /m/opt/*; touch /m/x 2>&1";
    for (const flags of [mounted(image), mounted(image, ",readonly=false")]) {
      expectResult(await run(fixture, client, flags, look), {
        code: 1,
        stdout: "750 7:8\n755 9:0\nnew\ntool\nnew\ntool\ntouch: /m/x: Read-only file system\n",
      });
    }
  }),
  "image-subpath: a directory or a file; one that leads out of the image is refused": withBoth(
    async (fixture, client) => {
      const image = await tools(fixture);
      expectResult(await run(fixture, client, mounted(image, ",image-subpath=opt"), "ls /m"), {
        stdout: "new\ntool\n",
      });
      expectResult(await run(fixture, client, mounted(image, ",image-subpath=opt/new"), "cat /m"), { stdout: "new\n" });
      const refused = {
        up: /path concatenation escapes the base directory, base: .*\/merged, subpath: up/,
        out: /path concatenation escapes the base directory, base: .*\/merged, subpath: out/,
        none: /cannot access path (.*\/merged\/none): lstat \1: no such file or directory/,
        "opt/old": /cannot access path (.*\/merged\/opt\/old): lstat \1: no such file or directory/,
      };
      for (const [subpath, says] of Object.entries(refused)) {
        const { code, stderr } = await run(fixture, client, mounted(image, `,image-subpath=${subpath}`), "ls /m");
        assert.ok(code !== 0, subpath);
        assert.match(stderr, says);
      }
      const { code, stderr } = await run(fixture, client, mounted(image, ",image-subpath=../x"), "ls /m");
      assert.ok(code !== 0);
      assert.match(stderr, /"image": subpath must be a relative path within the volume/);
    },
  ),
  "inspect, ps; it stays while a container uses it": withBoth(async (fixture, client) => {
    const image = await tools(fixture);
    await fixture.background("user", undefined, mounted(image));
    const [shown] = JSON.parse((await client.call("inspect", "-f", "{{json .Mounts}}", "user")).stdout);
    assert.match(shown.Source, /\/snapshots\/[0-9a-f]{64}\/merged$/);
    delete shown.Source;
    assert.deepEqual(shown, {
      ...{ Type: "image", Name: image, Destination: "/m", Mode: "", RW: false, Propagation: "rprivate" },
    });
    expectResult(await client.call("ps", "--filter", `volume=${image}`, "--format", "{{.Names}}|{{.LocalVolumes}}"), {
      stdout: "user|0\n",
    });
    const inUse = /conflict: unable to (remove repository reference|delete).* container [0-9a-f]{12}/;
    const id = (await client.call("image", "inspect", "-f", "{{.Id}}", image)).stdout.trim();
    expectResult(await client.call("rmi", image), { code: 1, stderr: inUse });
    expectResult(await client.call("rmi", "-f", id), { code: 1, stderr: /cannot be forced.* running container/ });
    expectResult(await client.call("image", "prune", "-af"), { stdout: /reclaimed space: 0B\n$/ });
    await client.call("stop", "-t", "0", "user");
    expectResult(await client.call("rmi", image), { code: 1, stderr: inUse });
    await client.call("start", "user");
    expectResult(await client.call("exec", "user", "cat", "/m/opt/tool"), { stdout: "tool\n" });
    await fixture.remove("user");
    expectResult(await client.call("rmi", image), { stdout: /^Untagged: .*Deleted: sha256:/s });
    expectResult(await run(fixture, client, mounted(image), "true"), { code: 125, stderr: /No such image: .*tools:1/ });
  }),
  "an image removed by force stays as long as its container": async (fixture) => {
    const image = await tools(fixture);
    await fixture.tsd(
      "create",
      "--name",
      "box",
      "--network",
      "none",
      ...mounted(image),
      fixture.image,
      "cat",
      "/m/opt/new",
    );
    expectResult(await fixture.tsd("rmi", "-f", image), { stdout: /^Untagged: / });
    expectResult(await fixture.tsd("start", "-a", "box"), { stdout: "new\n" });
    const layers = () => Array.fromAsync(Deno.readDir(`${fixture.engine.layerRoot}/layers`), ({ name }) => name);
    const before = (await layers()).length;
    await fixture.remove("box");
    assert.ok((await layers()).length < before, "its layers go with the container");
  },
  "cp reads it, running or not, and cannot write to it": withBoth(async (fixture, client) => {
    const image = await tools(fixture);
    await client.call(
      "create",
      "--name",
      "box",
      "--network",
      "none",
      ...mounted(image),
      fixture.image,
      "sleep",
      "1000",
    );
    await Deno.writeTextFile(`${fixture.dir}/f`, "mine");
    for (const step of ["stopped", "running"]) {
      if (step === "running") await client.call("start", "box");
      expectResult(await client.call("cp", "-q", "box:/m/opt/tool", `${fixture.dir}/${step}`), {});
      assert.equal(await Deno.readTextFile(`${fixture.dir}/${step}`), "tool\n");
      const { code, stderr } = await client.call("cp", "-q", `${fixture.dir}/f`, "box:/m/");
      assert.ok(code !== 0 && /marked read-only/.test(stderr), stderr);
    }
    await fixture.remove("box");
  }),
  "--volumes-from includes it, with a separate snapshot": async (fixture) => {
    const image = await tools(fixture);
    await fixture.background("first", undefined, mounted(image, ",image-subpath=opt"));
    const from = ["--volumes-from", "first:ro,z"];
    expectResult(await fixture.run(["cat", "/m/new"], from), { stdout: "new\n" });
    expectResult(await fixture.tsd("exec", "first", "cat", "/m/new"), { stdout: "new\n" });
    await fixture.remove("first");
  },
  "the next engine restores it": async (fixture) => {
    const image = await tools(fixture);
    await fixture.background("user", undefined, mounted(image));
    await fixture.engine.stop("SIGKILL");
    await fixture.engine.start();
    expectResult(await fixture.tsd("exec", "user", "cat", "/m/opt/new"), { stdout: "new\n" });
    await Deno.mkdir(`${fixture.dir}/x`);
    expectResult(await fixture.tsd("cp", "-q", "user:/m/opt", `${fixture.dir}/x`), {});
    expectResult(await fixture.tsd("exec", "user", "cat", "/m/opt/new"), { stdout: "new\n" });
    await fixture.remove("user");
    await fixture.tsd("rmi", image);
  },
}, "docker");
