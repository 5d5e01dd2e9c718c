/** Volumes in containers, with tsd's client and with docker's. */
import { strict as assert } from "node:assert";
import { expectResult, type Fixture, scenario } from "../cli/setup.ts";
import { type FileClient, withBoth } from "../files/clients.ts";
import { busyboxBuilder, dir, file, pushImage } from "../images/mod.ts";

/** Runs `run --rm` with a script and flags. */
const run = (client: FileClient, flags: readonly string[], image: string, script: string) =>
  client.call("run", "--rm", "--network", "none", ...flags, image, "sh", "-c", script);

async function names(fixture: Fixture): Promise<string[]> {
  return (await fixture.tsd("volume", "ls", "-q")).stdout.split("\n").filter((line) => line !== "");
}

/** Pushes an image with content at /data, which is a VOLUME of it. */
async function imageWithVolume(fixture: Fixture): Promise<string> {
  const entries = [
    dir("data", { mode: 0o1770, uid: 7, gid: 8 }),
    file("data/f", "of the image", { uid: 9, mode: 0o640 }),
  ];
  const image = await busyboxBuilder().layer(entries).config({ Volumes: { "/data": {} } }).build();
  await pushImage(fixture.registry.url, "voluminous", "1", image);
  const name = `${fixture.registry.host}/voluminous:1`;
  await fixture.tsd("pull", "-q", name);
  return name;
}

scenario("volumes of containers", {
  "a named volume is created, persists, and is read-only if requested": withBoth(
    async (fixture, client) => {
      expectResult(await run(client, ["-v", "data:/d"], fixture.image, "echo text >/d/f"), {});
      expectResult(await run(client, ["-v", "data:/e:ro"], fixture.image, "cat /e/f; touch /e/x 2>&1"), {
        code: 1,
        stdout: "text\ntouch: /e/x: Read-only file system\n",
      });
      expectResult(await run(client, ["--mount", "src=data,dst=/d,readonly"], fixture.image, "cat /d/f"), {
        stdout: "text\n",
      });
      assert.deepEqual(await names(fixture), ["data"]);
      expectResult(await client.call("volume", "rm", "data"), { stdout: "data\n" });
    },
  ),
  "a volume in use stays; inspect, ps and events show it": withBoth(async (fixture, client) => {
    const since = String(Date.now() / 1000);
    const id = await fixture.background("user", undefined, ["-v", "data:/d"]);
    expectResult(await client.call("volume", "rm", "data"), {
      code: 1,
      stderr: client.says(`remove data: volume is in use - [${id}]`),
    });
    const mounts = (await client.call("inspect", "-f", "{{json .Mounts}}", "user")).stdout;
    assert.deepEqual(JSON.parse(mounts), [{
      ...{ Type: "volume", Name: "data", Source: `${fixture.engine.dataRoot}/volumes/data/_data`, Destination: "/d" },
      ...{ Driver: "local", Mode: "z", RW: true, Propagation: "" },
    }]);
    expectResult(await client.call("ps", "--filter", "volume=data", "--format", "{{.Mounts}}|{{.LocalVolumes}}"), {
      stdout: "data|1\n",
    });
    expectResult(await client.call("volume", "ls", "-q", "-f", "dangling=true"), {});
    await fixture.remove("user");
    expectResult(await client.call("volume", "rm", "data"), { stdout: "data\n" });
    const format = "{{.Action}} {{.Actor.Attributes.destination}}";
    const range = ["--since", since, "--until", String(Date.now() / 1000 + 0.001), "--filter", "volume=data"];
    expectResult(await fixture.docker("events", ...range, "--format", format), {
      stdout: "create <no value>\nmount /d\nunmount <no value>\ndestroy <no value>\n",
    });
  }),
  "an image's volumes with their content; anonymous ones are removed by run --rm and rm -v": withBoth(
    async (fixture, client) => {
      const image = await imageWithVolume(fixture);
      const look = "stat -c '%a %u:%g' /data /data/f; cat /data/f";
      const seen = { stdout: "1770 7:8\n640 9:0\nof the image" };
      const since = String(Date.now() / 1000);
      expectResult(await run(client, ["-v", "/more"], image, look), seen);
      assert.deepEqual(await names(fixture), [], "they have gone when the client has");
      const range = ["--since", since, "--until", String(Date.now() / 1000 + 0.001), "--filter", "event=destroy"];
      expectResult(await fixture.docker("events", ...range, "--format", "{{.Type}}"), {
        stdout: "volume\nvolume\ncontainer\n",
      });
      expectResult(await run(client, ["-v", "kept:/data"], image, `${look}; echo >/data/mine`), seen);
      expectResult(await run(client, ["-v", "kept:/data"], image, "ls /data"), { stdout: "f\nmine\n" });
      expectResult(await run(client, ["-v", "bare:/data:nocopy"], image, "ls /data; stat -c %a /data"), {
        stdout: "755\n",
      });
      expectResult(await client.call("volume", "rm", "kept", "bare"), { stdout: "kept\nbare\n" });
      await client.call("create", "--name", "box", "--network", "none", "-v", "/more", image, "true");
      assert.equal((await names(fixture)).length, 2);
      expectResult(await client.call("rm", "-v", "box"), { stdout: "box\n" });
      assert.deepEqual(await names(fixture), []);
      await client.call("create", "--name", "box", "--network", "none", image, "true");
      expectResult(await client.call("rm", "box"), { stdout: "box\n" });
      const [left] = await names(fixture);
      assert.match(left, /^[0-9a-f]{64}$/);
      await client.call("volume", "rm", left);
    },
  ),
  "--volumes-from": withBoth(async (fixture, client) => {
    await fixture.background("first", ["sh", "-c", "echo one >/a/f; sleep 1000"], ["-v", "/a", "-v", "data:/b"]);
    await fixture.until("the file", async () => (await fixture.tsd("exec", "first", "cat", "/a/f")).stdout === "one\n");
    expectResult(await run(client, ["--volumes-from", "first:ro"], fixture.image, "cat /a/f; touch /b/x 2>&1"), {
      code: 1,
      stdout: "one\ntouch: /b/x: Read-only file system\n",
    });
    expectResult(await run(client, ["--volumes-from", "first"], fixture.image, "touch /b/x; ls /b"), { stdout: "x\n" });
    for (
      const [from, message] of [
        ["nosuch", "No such container: nosuch"],
        ["first:odd", "invalid mode: odd"],
      ]
    ) {
      const result = await run(client, ["--volumes-from", from], fixture.image, "true");
      assert.ok(result.code !== 0 && result.stderr.includes(message), JSON.stringify(result));
    }
    expectResult(await client.call("rm", "-f", "-v", "first"), { stdout: "first\n" });
    expectResult(await client.call("volume", "rm", "data"), { stdout: "data\n" });
    assert.deepEqual(await names(fixture), []);
  }),
  "a subpath of a volume; one that leads out of the volume is refused, running or not": withBoth(
    async (fixture, client) => {
      const plant = "mkdir /d/sub; echo in >/d/sub/f; ln -s / /d/root; ln -s ../../../../../etc /d/up; ln -s sub /d/in";
      expectResult(await run(client, ["-v", "data:/d"], fixture.image, plant), {});
      const part = (subpath: string) => ["--mount", `src=data,dst=/m,volume-subpath=${subpath}`];
      for (const subpath of ["sub", "in", "sub/../sub"]) {
        expectResult(await run(client, part(subpath), fixture.image, "cat /m/f"), { stdout: "in\n" });
      }
      const base = `${fixture.engine.dataRoot}/volumes/data/_data`;
      const escapes = (subpath: string) =>
        `path concatenation escapes the base directory, base: ${base}, subpath: ${subpath}`;
      for (const subpath of ["root", "root/etc", "up"]) {
        const { code, stderr } = await run(client, part(subpath), fixture.image, "ls /m");
        assert.ok(code !== 0 && stderr.includes(escapes(subpath)), stderr);
      }
      const { code, stderr } = await run(client, part("none"), fixture.image, "ls /m");
      const missing = `cannot access path ${base}/none: lstat ${base}/none: no such file or directory`;
      assert.ok(code !== 0 && stderr.includes(missing), stderr);
      await client.call("create", "--name", "box", "--network", "none", ...part("root/etc"), fixture.image, "true");
      expectResult(await client.call("cp", "box:/m/passwd", `${fixture.dir}/stolen`), {
        code: 1,
        stderr: client.says(escapes("root/etc")),
      });
      await fixture.remove("box");
      expectResult(await client.call("volume", "rm", "data"), { stdout: "data\n" });
    },
  ),
  "an empty subpath of a volume gets a copy of the image's content there": withBoth(async (fixture, client) => {
    const part = (subpath: string, more = "") => ["--mount", `src=data,dst=/bin,volume-subpath=${subpath}${more}`];
    const plant = "mkdir /d/bin /d/bare /d/full; echo >/d/full/own; echo >/d/file; ln -s / /d/root; chown 7:8 /d/bare";
    expectResult(await run(client, ["-v", "data:/d"], fixture.image, plant), {});
    const look = `[ -x /bin/busybox ] && stat -c '%a %u:%g' /bin`;
    const image = (await run(client, [], fixture.image, look)).stdout;
    expectResult(await run(client, part("bin"), fixture.image, look), { stdout: image });
    for (const [subpath, more] of [["bare", ",volume-nocopy"], ["full", ""]] as const) {
      const created = await client.call("create", "--name", "box", ...part(subpath, more), fixture.image, "true");
      assert.equal(created.code, 0, created.stderr);
      await fixture.remove("box");
    }
    expectResult(await run(client, ["-v", "data:/d"], fixture.image, "ls /d/bare /d/full; stat -c %u:%g /d/bare"), {
      stdout: "/d/bare:\n\n/d/full:\nown\n7:8\n",
    });
    const refused = await client.call("create", "--name", "box", ...part("root/bin"), fixture.image, "true");
    assert.ok(refused.code !== 0);
    assert.match(refused.stderr, /failed to populate volume: path concatenation escapes the base directory, base: /);
    const tool = ["--mount", "src=data,dst=/etc/passwd,volume-subpath=file"];
    expectResult(await run(client, tool, fixture.image, "cat /etc/passwd"), { stdout: "\n" });
    expectResult(await client.call("volume", "rm", "data"), { stdout: "data\n" });
  }),
  "options are mounted while the volume is in use": withBoth(async (fixture, client) => {
    const mounted = async () => (await Deno.readTextFile("/proc/self/mountinfo")).includes("/volumes/scratch/_data");
    const options = ["-o", "type=tmpfs", "-o", "device=tmpfs", "-o", "o=size=1m,uid=7"];
    expectResult(await client.call("volume", "create", ...options, "scratch"), { stdout: "scratch\n" });
    assert.equal(await mounted(), false);
    await fixture.background("one", undefined, ["-v", "scratch:/d"]);
    expectResult(
      await run(client, ["-v", "scratch:/d"], fixture.image, "touch /d/f; stat -c %u /d; df -k /d | tail -1"),
      {
        stdout: /^7\ntmpfs +1024 /,
      },
    );
    assert.equal(await mounted(), true);
    expectResult(await fixture.tsd("exec", "one", "ls", "/d"), { stdout: "f\n" });
    await fixture.remove("one");
    assert.equal(await mounted(), false);
    const directory = `${fixture.dir}/host`;
    await Deno.mkdir(directory);
    await Deno.writeTextFile(`${directory}/f`, "host's");
    const bind = ["-o", "type=none", "-o", `device=${directory}`, "-o", "o=bind,ro"];
    expectResult(await client.call("volume", "create", ...bind, "bound"), { stdout: "bound\n" });
    expectResult(await run(client, ["-v", "bound:/d"], fixture.image, "cat /d/f; touch /d/x 2>&1"), {
      code: 1,
      stdout: "host'stouch: /d/x: Read-only file system\n",
    });
    expectResult(await client.call("volume", "rm", "bound", "scratch"), { stdout: "bound\nscratch\n" });
    assert.equal(await Deno.readTextFile(`${directory}/f`), "host's");
  }),
  "cp reaches volumes of a stopped container": withBoth(async (fixture, client) => {
    await client.call("create", "--name", "box", "--network", "none", "-v", "data:/d", fixture.image, "true");
    await Deno.writeTextFile(`${fixture.dir}/f`, "text");
    expectResult(await client.call("cp", "-q", `${fixture.dir}/f`, "box:/d/"), {});
    expectResult(await run(client, ["-v", "data:/d"], fixture.image, "cat /d/f"), { stdout: "text" });
    await fixture.remove("box");
    expectResult(await client.call("volume", "rm", "data"), { stdout: "data\n" });
  }),
});
