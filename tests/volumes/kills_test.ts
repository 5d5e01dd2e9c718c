/** Volumes when an engine or a client is killed during an operation. */
import { strict as assert } from "node:assert";
import { expectResult, type Fixture, scenario } from "../cli/setup.ts";
import { busyboxBuilder, dir, file, pushImage } from "../images/mod.ts";

const FILES = 2000;

/** Pushes an image with many small files at /data, so that copying them takes a while. */
async function imageWithMuch(fixture: Fixture): Promise<string> {
  const entries = Array.from({ length: FILES }, (_, n) => file(`data/d${n % 20}/f${n}`, `${n}`));
  const dirs = Array.from({ length: 20 }, (_, n) => dir(`data/d${n}`));
  const image = await busyboxBuilder().layer([dir("data", { mode: 0o750, uid: 7 }), ...dirs, ...entries]).build();
  await pushImage(fixture.registry.url, "much", "1", image);
  const name = `${fixture.registry.host}/much:1`;
  await fixture.tsd("pull", "-q", name);
  return name;
}

const data = (fixture: Fixture, name: string) => `${fixture.engine.dataRoot}/volumes/${name}/_data`;
const names = async (fixture: Fixture) => (await fixture.tsd("volume", "ls", "-q")).stdout.split("\n").filter(Boolean);

async function entriesOf(directory: string): Promise<string[]> {
  try {
    return await Array.fromAsync(Deno.readDir(directory), ({ name }) => name);
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return [];
    throw thrown;
  }
}

async function killedWhen(fixture: Fixture, started: () => Promise<boolean>, command: Promise<unknown>): Promise<void> {
  await fixture.until("it to begin", started);
  await fixture.engine.stop("SIGKILL");
  await command;
  await fixture.engine.start();
}

const COUNT = "find /data -type f | wc -l; stat -c '%a %u' /data";
const WHOLE = `${FILES}\n750 7\n`;

scenario("volumes when engines and clients are killed", {
  "copy-up: killed halfway, the next start begins again": async (fixture) => {
    const image = await imageWithMuch(fixture);
    const create = ["create", "--name", "box", "--network", "none", "-v", "filled:/data", image, "sh", "-c", COUNT];
    await killedWhen(
      fixture,
      async () => (await entriesOf(data(fixture, "filled"))).length > 1,
      fixture.tsd(...create),
    );
    const half = (await runFind(fixture, "filled")).length;
    assert.ok(half < FILES, `killed in the middle: ${half} files`);
    if ((await fixture.containers()).length === 0) await fixture.tsd(...create);
    expectResult(await fixture.tsd("start", "-a", "box"), { stdout: WHOLE });
    assert.deepEqual(await entriesOf(`${fixture.engine.dataRoot}/volumes/filled`), ["_data"]);
    await fixture.remove("box");
    await fixture.tsd("volume", "rm", "filled");
  },
  "copy-up: killed halfway, it is completed before a client copies files into it, which stay": async (fixture) => {
    const image = await imageWithMuch(fixture);
    const script = `${COUNT}; cat /data/own`;
    const flags = ["--name", "box", "--network", "none", "-v", "filled:/data"];
    const create = fixture.tsd("create", ...flags, image, "sh", "-c", script);
    await killedWhen(fixture, async () => (await entriesOf(data(fixture, "filled"))).length > 1, create);
    await Deno.writeTextFile(`${fixture.dir}/own`, "mine\n");
    expectResult(await fixture.tsd("cp", "-q", `${fixture.dir}/own`, "box:/data/own"), {});
    expectResult(await fixture.tsd("start", "-a", "box"), { stdout: `${FILES + 1}\n750 7\nmine\n` });
    await fixture.remove("box");
    await fixture.tsd("volume", "rm", "filled");
  },
  "copy-up: killed halfway, the volume counts as empty for all others": async (fixture) => {
    const image = await imageWithMuch(fixture);
    const flags = ["--network", "none", "-v", "filled:/data"];
    const create = fixture.tsd("create", "--name", "box", ...flags, image, "true");
    await killedWhen(fixture, async () => (await entriesOf(data(fixture, "filled"))).length > 1, create);
    await fixture.tsd("rm", "box");
    expectResult(await fixture.tsd("volume", "clone", "filled", "copy"), { stdout: "copy\n" });
    assert.deepEqual(await entriesOf(data(fixture, "copy")), []);
    expectResult(await fixture.tsd("run", "--rm", ...flags, image, "sh", "-c", COUNT), { stdout: WHOLE });
    await fixture.tsd("volume", "rm", "filled", "copy");
  },
  "copy-up into a subpath: killed halfway, the next start begins again, and the volume's other content stays": async (
    fixture,
  ) => {
    const image = await imageWithMuch(fixture);
    const plant = ["sh", "-c", "mkdir -p /d/deep/part; echo own >/d/deep/own; ln -s deep/part /d/link"];
    expectResult(await fixture.run(plant, ["-v", "filled:/d"]), {});
    const part = ["--mount", "src=filled,dst=/data,volume-subpath=link"];
    const create = ["create", "--name", "box", "--network", "none", ...part, image, "sh", "-c", COUNT];
    const inside = `${data(fixture, "filled")}/deep`;
    await killedWhen(fixture, async () => (await entriesOf(`${inside}/part`)).length > 1, fixture.tsd(...create));
    const half = (await runFind(fixture, "filled")).length;
    assert.ok(half < FILES, `killed in the middle: ${half} files`);
    if ((await fixture.containers()).length === 0) await fixture.tsd(...create);
    expectResult(await fixture.tsd("start", "-a", "box"), { stdout: WHOLE });
    assert.equal(await Deno.readTextFile(`${inside}/own`), "own\n");
    assert.deepEqual(await entriesOf(`${fixture.engine.dataRoot}/volumes/filled`), ["_data"]);
    await fixture.remove("box");
    await fixture.tsd("volume", "rm", "filled");
  },
  "clone and import: killed halfway, there is no volume": async (fixture) => {
    const image = await imageWithMuch(fixture);
    await fixture.tsd("run", "--rm", "--network", "none", "-v", "filled:/data", image, "true");
    const started = (name: string) => async () => (await entriesOf(data(fixture, name))).length > 1;
    await killedWhen(fixture, started("copy"), fixture.tsd("volume", "clone", "filled", "copy"));
    assert.deepEqual(await names(fixture), ["filled"]);
    const { dir: directory } = fixture;
    expectResult(await fixture.tsd("volume", "export", "-o", `${directory}/all.tar`, "filled"), {});
    await killedWhen(fixture, started("new"), fixture.tsd("volume", "import", "new", `${directory}/all.tar`));
    assert.deepEqual(await names(fixture), ["filled"]);
    assert.deepEqual(await entriesOf(`${fixture.engine.dataRoot}/volumes`), ["filled"]);
    expectResult(await fixture.tsd("volume", "import", "new", `${directory}/all.tar`), { stdout: "new\n" });
    assert.equal((await runFind(fixture, "new")).length, FILES);
    await fixture.tsd("volume", "rm", "filled", "new");
  },
  "import: a client that disconnects leaves no volume, and an existing one stays": async (fixture) => {
    const started = "until ls $volumes/new/_data/a >/dev/null 2>&1; do sleep 0.01; done";
    const script = (before: string) =>
      `volumes=${fixture.engine.dataRoot}/volumes; ${before}
       mkdir -p tree; echo a >tree/a; tar cf half.tar -C tree .; head -c 2048 half.tar >half
       mkfifo pipe; exec 9<>pipe; cat half >&9
       $tsd volume import new - <pipe 9>&- & client=$!
       ${started}; kill -9 $client; wait $client || true; rm -f pipe`;
    expectResult({ ...await fixture.shell(script("")), stderr: "" }, {});
    await fixture.until("the volume to go", async () => (await names(fixture)).length === 0);
    expectResult({ ...await fixture.shell(script("$tsd volume create new")), stderr: "" }, { stdout: "new\n" });
    await fixture.until("the volume to be free", async () => (await fixture.tsd("volume", "rm", "new")).code === 0);
  },
  "export: a client that disconnects leaves no resources in use": async (fixture) => {
    await fixture.tsd("volume", "create", "big");
    await Deno.truncate(await touched(`${data(fixture, "big")}/f`), 64 << 20);
    await Deno.writeFile(`${data(fixture, "big")}/g`, new Uint8Array(8 << 20).fill(1));
    expectResult(await fixture.shell("$tsd volume export big | head -c 100 | wc -c"), { stdout: "100\n" });
    expectResult(await fixture.tsd("volume", "rm", "big"), { stdout: "big\n" });
  },
  "mounts of volume options stay while a container runs, and are removed after it, whatever happens to engines": async (
    fixture,
  ) => {
    const { engine, dir: directory } = fixture;
    await Deno.mkdir(`${directory}/host`);
    await fixture.tsd("volume", "create", "-o", "type=tmpfs", "-o", "device=tmpfs", "scratch");
    const bind = ["-o", "type=none", "-o", `device=${directory}/host`, "-o", "o=bind"];
    await fixture.tsd("volume", "create", ...bind, "bound");
    const id = await fixture.background("user", undefined, ["-v", "scratch:/s", "-v", "bound:/b"]);
    expectResult(await fixture.tsd("exec", "user", "sh", "-c", "echo kept >/s/f; echo there >/b/f"), {});
    const inUse = (name: string) => ({ code: 1, stderr: `tsd: remove ${name}: volume is in use - [${id}]\n` });
    const again = [
      () => engine.tsd(["-H", engine.host, "daemon", "reload"]),
      () => engine.stop("SIGKILL").then(() => engine.start()),
      () => engine.stop("SIGTERM").then(() => engine.start()),
    ];
    for (const comeBack of again) {
      await comeBack();
      for (const name of ["scratch", "bound"]) expectResult(await fixture.tsd("volume", "rm", name), inUse(name));
      expectResult(await fixture.tsd("exec", "user", "cat", "/s/f", "/b/f"), { stdout: "kept\nthere\n" });
      expectResult(await fixture.run(["cat", "/s/f"], ["-v", "scratch:/s"]), { stdout: "kept\n" });
      expectResult(await fixture.tsd("cp", "-q", "user:/s/f", `${directory}/copied`), {});
      expectResult(await fixture.tsd("exec", "user", "cat", "/s/f"), { stdout: "kept\n" });
    }
    await engine.stop("SIGKILL");
    await fixture.shell(
      `kill -9 $(cat /sys/fs/cgroup/*/tsd-*/${id}/cgroup.procs /sys/fs/cgroup/tsd-*/${id}/cgroup.procs || true)`,
    );
    await engine.start();
    const mounts = async () =>
      (await Deno.readTextFile("/proc/self/mountinfo")).includes(`${engine.dataRoot}/volumes/`);
    await fixture.until("the mounts to go", async () => !await mounts());
    await fixture.tsd("rm", "-f", "user");
    expectResult(await fixture.tsd("volume", "rm", "scratch", "bound"), { stdout: "scratch\nbound\n" });
    assert.equal(await Deno.readTextFile(`${directory}/host/f`), "there\n");
  },
});

async function touched(path: string): Promise<string> {
  await Deno.writeTextFile(path, "");
  return path;
}

async function runFind(fixture: Fixture, name: string): Promise<string[]> {
  const { stdout } = await fixture.shell(`find ${data(fixture, name)} -type f`);
  return stdout.split("\n").filter(Boolean);
}
