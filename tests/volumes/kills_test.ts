/** Volumes when an engine, or a client, goes in the middle of something. */
import { strict as assert } from "node:assert";
import { expectResult, scenario, type World } from "../cli/setup.ts";
import { busyboxBuilder, dir, file, pushImage } from "../images/mod.ts";

const FILES = 2000;

/** An image with many small files at /data, so that copying them takes a while. */
async function imageWithMuch(world: World): Promise<string> {
  const entries = Array.from({ length: FILES }, (_, n) => file(`data/d${n % 20}/f${n}`, `${n}`));
  const folders = Array.from({ length: 20 }, (_, n) => dir(`data/d${n}`));
  const image = await busyboxBuilder().layer([dir("data", { mode: 0o750, uid: 7 }), ...folders, ...entries]).build();
  await pushImage(world.registry.url, "much", "1", image);
  const name = `${world.registry.host}/much:1`;
  await world.tsd("pull", "-q", name);
  return name;
}

const data = (world: World, name: string) => `${world.engine.dataRoot}/volumes/${name}/_data`;
const names = async (world: World) => (await world.tsd("volume", "ls", "-q")).stdout.split("\n").filter(Boolean);

async function entriesOf(folder: string): Promise<string[]> {
  try {
    return await Array.fromAsync(Deno.readDir(folder), ({ name }) => name);
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return [];
    throw thrown;
  }
}

async function killedWhen(world: World, begun: () => Promise<boolean>, command: Promise<unknown>): Promise<void> {
  await world.until("it to begin", begun);
  await world.engine.stop("SIGKILL");
  await command;
  await world.engine.start();
}

const COUNT = "find /data -type f | wc -l; stat -c '%a %u' /data";
const WHOLE = `${FILES}\n750 7\n`;

scenario("volumes when engines and clients go", {
  "copy-up: killed half way, the next start begins again": async (world) => {
    const image = await imageWithMuch(world);
    const create = ["create", "--name", "box", "--network", "none", "-v", "filled:/data", image, "sh", "-c", COUNT];
    await killedWhen(world, async () => (await entriesOf(data(world, "filled"))).length > 1, world.tsd(...create));
    const half = (await runFind(world, "filled")).length;
    assert.ok(half < FILES, `killed in the middle: ${half} files`);
    if ((await world.containers()).length === 0) await world.tsd(...create);
    expectResult(await world.tsd("start", "-a", "box"), { stdout: WHOLE });
    assert.deepEqual(await entriesOf(`${world.engine.dataRoot}/volumes/filled`), ["_data"]);
    await world.remove("box");
    await world.tsd("volume", "rm", "filled");
  },
  "copy-up: killed half way, it is whole before somebody copies files into it, which stay": async (world) => {
    const image = await imageWithMuch(world);
    const script = `${COUNT}; cat /data/own`;
    const flags = ["--name", "box", "--network", "none", "-v", "filled:/data"];
    const create = world.tsd("create", ...flags, image, "sh", "-c", script);
    await killedWhen(world, async () => (await entriesOf(data(world, "filled"))).length > 1, create);
    await Deno.writeTextFile(`${world.folder}/own`, "mine\n");
    expectResult(await world.tsd("cp", "-q", `${world.folder}/own`, "box:/data/own"), {});
    expectResult(await world.tsd("start", "-a", "box"), { stdout: `${FILES + 1}\n750 7\nmine\n` });
    await world.remove("box");
    await world.tsd("volume", "rm", "filled");
  },
  "copy-up: killed half way, the volume counts as empty for everybody else": async (world) => {
    const image = await imageWithMuch(world);
    const flags = ["--network", "none", "-v", "filled:/data"];
    const create = world.tsd("create", "--name", "box", ...flags, image, "true");
    await killedWhen(world, async () => (await entriesOf(data(world, "filled"))).length > 1, create);
    await world.tsd("rm", "box");
    expectResult(await world.tsd("volume", "clone", "filled", "copy"), { stdout: "copy\n" });
    assert.deepEqual(await entriesOf(data(world, "copy")), []);
    expectResult(await world.tsd("run", "--rm", ...flags, image, "sh", "-c", COUNT), { stdout: WHOLE });
    await world.tsd("volume", "rm", "filled", "copy");
  },
  "clone and import: killed half way there is no volume": async (world) => {
    const image = await imageWithMuch(world);
    await world.tsd("run", "--rm", "--network", "none", "-v", "filled:/data", image, "true");
    const begun = (name: string) => async () => (await entriesOf(data(world, name))).length > 1;
    await killedWhen(world, begun("copy"), world.tsd("volume", "clone", "filled", "copy"));
    assert.deepEqual(await names(world), ["filled"]);
    const { folder } = world;
    expectResult(await world.tsd("volume", "export", "-o", `${folder}/all.tar`, "filled"), {});
    await killedWhen(world, begun("new"), world.tsd("volume", "import", "new", `${folder}/all.tar`));
    assert.deepEqual(await names(world), ["filled"]);
    assert.deepEqual(await entriesOf(`${world.engine.dataRoot}/volumes`), ["filled"]);
    expectResult(await world.tsd("volume", "import", "new", `${folder}/all.tar`), { stdout: "new\n" });
    assert.equal((await runFind(world, "new")).length, FILES);
    await world.tsd("volume", "rm", "filled", "new");
  },
  "import: a client that goes leaves no volume, and one that was there stays": async (world) => {
    const begun = "until ls $volumes/new/_data/a >/dev/null 2>&1; do sleep 0.01; done";
    const script = (before: string) =>
      `volumes=${world.engine.dataRoot}/volumes; ${before}
       mkdir -p tree; echo a >tree/a; tar cf half.tar -C tree .; head -c 2048 half.tar >half
       mkfifo pipe; exec 9<>pipe; cat half >&9
       $tsd volume import new - <pipe 9>&- & client=$!
       ${begun}; kill -9 $client; wait $client || true; rm -f pipe`;
    expectResult({ ...await world.shell(script("")), stderr: "" }, {});
    await world.until("the volume to go", async () => (await names(world)).length === 0);
    expectResult({ ...await world.shell(script("$tsd volume create new")), stderr: "" }, { stdout: "new\n" });
    await world.until("the volume to be free", async () => (await world.tsd("volume", "rm", "new")).code === 0);
  },
  "export: a client that goes holds nothing": async (world) => {
    await world.tsd("volume", "create", "big");
    await Deno.truncate(await touched(`${data(world, "big")}/f`), 64 << 20);
    await Deno.writeFile(`${data(world, "big")}/g`, new Uint8Array(8 << 20).fill(1));
    expectResult(await world.shell("$tsd volume export big | head -c 100 | wc -c"), { stdout: "100\n" });
    expectResult(await world.tsd("volume", "rm", "big"), { stdout: "big\n" });
  },
  "what options mount stays while a container runs, and goes after it, whatever becomes of engines": async (world) => {
    const { engine, folder } = world;
    await Deno.mkdir(`${folder}/host`);
    await world.tsd("volume", "create", "-o", "type=tmpfs", "-o", "device=tmpfs", "scratch");
    const bind = ["-o", "type=none", "-o", `device=${folder}/host`, "-o", "o=bind"];
    await world.tsd("volume", "create", ...bind, "bound");
    const id = await world.background("user", undefined, ["-v", "scratch:/s", "-v", "bound:/b"]);
    expectResult(await world.tsd("exec", "user", "sh", "-c", "echo kept >/s/f; echo there >/b/f"), {});
    const inUse = (name: string) => ({ code: 1, stderr: `tsd: remove ${name}: volume is in use - [${id}]\n` });
    const again = [
      () => engine.tsd(["-H", engine.host, "daemon", "reload"]),
      () => engine.stop("SIGKILL").then(() => engine.start()),
      () => engine.stop("SIGTERM").then(() => engine.start()),
    ];
    for (const comeBack of again) {
      await comeBack();
      for (const name of ["scratch", "bound"]) expectResult(await world.tsd("volume", "rm", name), inUse(name));
      expectResult(await world.tsd("exec", "user", "cat", "/s/f", "/b/f"), { stdout: "kept\nthere\n" });
      expectResult(await world.run(["cat", "/s/f"], ["-v", "scratch:/s"]), { stdout: "kept\n" });
      expectResult(await world.tsd("cp", "-q", "user:/s/f", `${folder}/copied`), {});
      expectResult(await world.tsd("exec", "user", "cat", "/s/f"), { stdout: "kept\n" });
    }
    await engine.stop("SIGKILL");
    await world.shell(
      `kill -9 $(cat /sys/fs/cgroup/*/tsd-*/${id}/cgroup.procs /sys/fs/cgroup/tsd-*/${id}/cgroup.procs || true)`,
    );
    await engine.start();
    const mounts = async () =>
      (await Deno.readTextFile("/proc/self/mountinfo")).includes(`${engine.dataRoot}/volumes/`);
    await world.until("the mounts to go", async () => !await mounts());
    await world.tsd("rm", "-f", "user");
    expectResult(await world.tsd("volume", "rm", "scratch", "bound"), { stdout: "scratch\nbound\n" });
    assert.equal(await Deno.readTextFile(`${folder}/host/f`), "there\n");
  },
});

async function touched(path: string): Promise<string> {
  await Deno.writeTextFile(path, "");
  return path;
}

async function runFind(world: World, name: string): Promise<string[]> {
  const { stdout } = await world.shell(`find ${data(world, name)} -type f`);
  return stdout.split("\n").filter(Boolean);
}
