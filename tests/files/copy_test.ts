/** `cp` with tsd's client and with docker's: both directions, all states, what is mounted, Docker's words. */
import { strict as assert } from "node:assert";
import { expectResult, scenario, type World } from "../cli/setup.ts";
import { type FileClient, withBoth } from "./clients.ts";

/** Paths below a folder in a container, with the contents of files. */
async function inside(world: World, container: string, folder: string): Promise<string[]> {
  const script = `cd ${folder} && find . | sort | while read -r f; do
    if [ -L "$f" ]; then echo "$f -> $(readlink "$f")"; elif [ -f "$f" ]; then echo "$f $(cat "$f")"; else echo "$f/"; fi; done`;
  const { code, stdout, stderr } = await world.tsd("exec", container, "sh", "-c", script);
  assert.equal(code, 0, stderr);
  return stdout.trimEnd().split("\n").slice(1);
}

/** A folder to copy: a file, a folder with one, a link. */
async function source(world: World): Promise<string> {
  const folder = `${world.folder}/d`;
  await Deno.mkdir(`${folder}/sub`, { recursive: true });
  await Deno.writeTextFile(`${folder}/f`, "text");
  await Deno.writeTextFile(`${folder}/sub/x`, "deep");
  await Deno.symlink("sub", `${folder}/l`);
  return folder;
}

const CONTENT = ["./f text", "./l -> sub", "./sub/", "./sub/x deep"];
const below = (name: string) => [`./${name}/`, ...CONTENT.map((line) => line.replace("./", `./${name}/`))];

async function copies(client: FileClient, ...args: string[]): Promise<void> {
  expectResult(await client.call("cp", ...args), {});
}

scenario("cp", {
  "into a container: a folder, its content, a file, under other names, through links": withBoth(
    async (world, client) => {
      const folder = await source(world);
      await world.background("box");
      await world.tsd("exec", "box", "sh", "-c", "mkdir -p /t/there; ln -s there /t/link; ln -s /t/new /t/dangling");
      await copies(client, folder, "box:/t/there");
      assert.deepEqual(await inside(world, "box", "/t/there"), below("d"));
      await copies(client, `${folder}/.`, "box:/t/content");
      assert.deepEqual(await inside(world, "box", "/t/content"), CONTENT);
      await copies(client, folder, "box:/t/other");
      assert.deepEqual(await inside(world, "box", "/t/other"), CONTENT);
      await copies(client, `${folder}/f`, "box:/t/link");
      await copies(client, `${folder}/f`, "box:/t/there/g");
      await copies(client, `${folder}/f`, "box:/t/dangling");
      await copies(client, "-L", `${folder}/l`, "box:/t/followed");
      await copies(client, `${folder}/l`, "box:/t/there");
      assert.deepEqual(await inside(world, "box", "/t/there"), [...below("d"), "./f text", "./g text", "./l -> sub"]);
      assert.deepEqual(await inside(world, "box", "/t/followed"), ["./x deep"]);
      expectResult(await world.tsd("exec", "box", "cat", "/t/new"), { stdout: "text" });
      await world.remove("box");
    },
  ),
  "out of a container: the same": withBoth(async (world, client) => {
    await world.background("box");
    const script = "mkdir -p /d/sub; printf text >/d/f; printf deep >/d/sub/x; ln -s sub /d/l; ln /d/f /d/h";
    expectResult(await world.tsd("exec", "box", "sh", "-c", script), {});
    const { folder } = world;
    await Deno.mkdir(`${folder}/there`);
    const text = (path: string) => Deno.readTextFile(`${folder}/${path}`);
    await copies(client, "box:/d", `${folder}/there`);
    await copies(client, "box:/d/.", `${folder}/content`);
    await copies(client, "box:/d/", `${folder}/new`);
    for (const path of ["there/d", "content", "new"]) {
      assert.deepEqual([await text(`${path}/f`), await text(`${path}/sub/x`), await text(`${path}/h`)], [
        "text",
        "deep",
        "text",
      ]);
      assert.equal(await Deno.readLink(`${folder}/${path}/l`), "sub");
      assert.equal((await Deno.stat(`${folder}/${path}/h`)).nlink, 2);
    }
    await copies(client, "box:/d/f", `${folder}/there`);
    await copies(client, "box:/d/f", `${folder}/there/g`);
    await copies(client, "box:/d/f", `${folder}/there/g`);
    await copies(client, "-L", "box:/d/l", `${folder}/followed`);
    assert.deepEqual([await text("there/f"), await text("there/g"), await text("followed/x")], [
      "text",
      "text",
      "deep",
    ]);
    await world.remove("box");
  }),
  "tar streams: in from standard input, compressed too, and out to standard output": withBoth(async (world, client) => {
    await source(world);
    await world.background("box");
    const program = client.name === "tsd" ? "$tsd" : "docker";
    const shell = async (script: string, stdout = "") => {
      expectResult(await world.shell(script.replaceAll("CLIENT", program)), { stdout });
    };
    await shell("tar c d | CLIENT cp - box:/tmp");
    await shell("tar c -C d . | gzip | CLIENT cp - box:/home");
    assert.deepEqual(await inside(world, "box", "/tmp"), below("d"));
    assert.deepEqual((await inside(world, "box", "/home")).filter((line) => !line.includes("app")), CONTENT);
    await shell("CLIENT cp box:/tmp/d - | tar t | sort", "d/\nd/f\nd/l\nd/sub/\nd/sub/x\n");
    await shell("CLIENT cp box:/tmp/d/. - | tar x && cat f sub/x", "textdeep");
    await shell("CLIENT cp box:/ - | tar t 2>/dev/null | grep -c etc/passwd$", "1\n");
    await world.remove("box");
  }),
  "created and stopped containers, and their binds": withBoth(async (world, client) => {
    const folder = await source(world);
    await Deno.mkdir(`${folder}/bound`);
    const create = ["create", "--network", "none", "--name", "box", "-v", `${folder}/bound:/mnt/bound`, world.image];
    expectResult(await world.tsd(...create, "sh", "-c", "cat /in /mnt/bound/in; rm /in"), {
      stdout: /^[0-9a-f]{64}\n$/,
    });
    await copies(client, `${folder}/f`, "box:/in");
    await copies(client, `${folder}/f`, "box:/mnt/bound/in");
    assert.equal(await Deno.readTextFile(`${folder}/bound/in`), "text");
    expectResult(await world.tsd("start", "-a", "box"), { stdout: "texttext" });
    await copies(client, `${folder}/f`, "box:/mnt/bound/again");
    await copies(client, "box:/mnt/bound", `${folder}/out`);
    assert.deepEqual([...Deno.readDirSync(`${folder}/out`)].map(({ name }) => name).sort(), ["again", "in"]);
    expectResult(await client.call("cp", "box:/in", "-"), {
      code: 1,
      stderr: client.says("Could not find the file /in in container box"),
    });
    await world.remove("box");
  }),
  "binds and tmpfs of one that runs; read-only ones refuse": withBoth(async (world, client) => {
    const folder = await source(world);
    for (const name of ["rw", "ro"]) await Deno.mkdir(`${folder}/${name}`);
    const mounts = ["-v", `${folder}/rw:/rw`, "-v", `${folder}/ro:/ro:ro`, "--tmpfs", "/scratch"];
    await world.background("box", undefined, mounts);
    await copies(client, `${folder}/f`, "box:/rw/f");
    assert.equal(await Deno.readTextFile(`${folder}/rw/f`), "text");
    await copies(client, `${folder}/f`, "box:/scratch/f");
    expectResult(await world.tsd("exec", "box", "cat", "/scratch/f"), { stdout: "text" });
    for (const path of ["/dev/shm/f", "/scratch/g"]) {
      await copies(client, `${folder}/f`, `box:${path}`);
      expectResult(await world.tsd("exec", "box", "cat", path), { stdout: "text" });
    }
    const readOnly = { code: 1, stderr: client.says("mounted volume is marked read-only") };
    expectResult(await client.call("cp", `${folder}/f`, "box:/ro"), readOnly);
    expectResult(await client.call("cp", `${folder}/f`, "box:/ro/new"), readOnly);
    await world.background("locked", undefined, ["--read-only", "-v", `${folder}/rw:/rw`]);
    expectResult(await client.call("cp", `${folder}/f`, "locked:/etc"), {
      code: 1,
      stderr: client.says("container rootfs is marked read-only"),
    });
    await copies(client, `${folder}/f`, "locked:/rw/two");
    await copies(client, "locked:/etc/passwd", `${folder}/passwd`);
    assert.deepEqual([...Deno.readDirSync(`${folder}/ro`)], []);
    await world.remove("box", "locked");
  }),
  "owners: as they are, or with -a the container's user; times and modes": withBoth(async (world, client) => {
    const { folder } = world;
    await Deno.writeTextFile(`${folder}/f`, "x");
    await Deno.chown(`${folder}/f`, 1234, 5678);
    await Deno.chmod(`${folder}/f`, 0o640);
    await Deno.utime(`${folder}/f`, 1e9, 1e9);
    await world.background("box", undefined, ["-u", "app"]);
    const stat = async (path: string) => (await world.tsd("exec", "box", "stat", "-c", "%u:%g %a %Y", path)).stdout;
    await copies(client, `${folder}/f`, "box:/tmp/plain");
    assert.equal(await stat("/tmp/plain"), "1234:5678 640 1000000000\n");
    await copies(client, "-a", `${folder}/f`, "box:/tmp/archive");
    assert.equal(await stat("/tmp/archive"), "1000:1000 640 1000000000\n");
    await copies(client, "box:/tmp/plain", `${folder}/back`);
    const { uid, gid, mode, mtime } = await Deno.stat(`${folder}/back`);
    assert.deepEqual([uid, gid, mode! & 0o777, mtime?.getTime()], [0, 0, 0o640, 1e12]);
    await world.remove("box");
  }),
  "Docker's words and exit codes": withBoth(async (world, client) => {
    const folder = await source(world);
    await world.background("box");
    const file = `${folder}/f`;
    const engine: readonly (readonly [args: readonly string[], message: string])[] = [
      [[file, "box:/no/where"], "Could not find the file /no in container box"],
      [[file, "box:/etc/passwd/x"], "extraction point is not a directory"],
      [[file, "box:/etc/hosts"], "unlinkat /etc/hosts: device or resource busy"],
      [["box:/nothing", folder], "Could not find the file /nothing in container box"],
      [["box:/etc/passwd/x", folder], "lstat /etc/passwd/x: not a directory"],
      [["box:/etc/passwd/", folder], "lstat /etc/passwd/: not a directory"],
      [["box:/proc/version", folder], "Could not find the file /proc/version in container box"],
      [["nosuch:/etc", folder], "No such container: nosuch"],
    ];
    for (const [args, message] of engine) {
      expectResult(await client.call("cp", ...args), { code: 1, stderr: client.says(message) });
    }
    const own: readonly (readonly [args: readonly string[], message: string | RegExp])[] = [
      [[folder, "box:/etc/passwd"], /^(time=.*\n)*cannot copy directory\n$/],
      [[file, "box:/new/"], /^(time=.*\n)*no such directory\n$/],
      [["box:/etc", file], "cannot copy directory\n"],
      [["box:/etc/passwd", `${folder}/new/`], "no such directory\n"],
      [["box:/etc/passwd", `${folder}/no/x`], `invalid output path: directory "${folder}/no" does not exist\n`],
      [["box:/a", "box:/b"], "copying between containers is not supported\n"],
      [[file, folder], "must specify at least one container source\n"],
      [["", "box:/a"], "source can not be empty\n"],
      [[`${folder}/nothing`, "box:/tmp"], `lstat ${folder}/nothing: no such file or directory\n`],
      [[file, "box:/dev/null/."], /./],
    ];
    for (const [args, stderr] of own) expectResult(await client.call("cp", ...args), { code: 1, stderr });
    expectResult(await world.tsd("diff", "box"), {});
    await world.remove("box");
  }),
  "events": async (world) => {
    const since = String(Date.now() / 1000);
    const folder = await source(world);
    await world.background("box");
    await world.tsd("cp", folder, "box:/tmp");
    await world.tsd("cp", "box:/tmp/d", `${folder}/out`);
    await world.tsd("export", "-o", `${folder}/all.tar`, "box");
    await world.tsd("cp", "box:/nothing", folder);
    await world.remove("box");
    const args = ["events", "--since", since, "--until", String(Date.now() / 1000 + 1), "--format", "{{.Action}}"];
    const { stdout } = await world.tsd(...args, "--filter", "type=container");
    const actions = stdout.split("\n").filter((action) => /archive|extract|export/.test(action));
    assert.deepEqual(actions, ["extract-to-dir", "archive-path", "export"]);
  },
});
