/** `cp` with tsd's client and with docker's: both directions, all container states, mounts, Docker's messages. */
import { strict as assert } from "node:assert";
import { expectResult, type Fixture, scenario } from "../cli/setup.ts";
import { type FileClient, withBoth } from "./clients.ts";

/** Lists the paths below a directory in a container, with the contents of files. */
async function inside(fixture: Fixture, container: string, dir: string): Promise<string[]> {
  const script = `cd ${dir} && find . | sort | while read -r f; do
    if [ -L "$f" ]; then echo "$f -> $(readlink "$f")"; elif [ -f "$f" ]; then echo "$f $(cat "$f")"; else echo "$f/"; fi; done`;
  const { code, stdout, stderr } = await fixture.tsd("exec", container, "sh", "-c", script);
  assert.equal(code, 0, stderr);
  return stdout.trimEnd().split("\n").slice(1);
}

/** Creates a directory to copy: a file, a directory with a file, a symlink. */
async function source(fixture: Fixture): Promise<string> {
  const dir = `${fixture.dir}/d`;
  await Deno.mkdir(`${dir}/sub`, { recursive: true });
  await Deno.writeTextFile(`${dir}/f`, "text");
  await Deno.writeTextFile(`${dir}/sub/x`, "deep");
  await Deno.symlink("sub", `${dir}/l`);
  return dir;
}

const CONTENT = ["./f text", "./l -> sub", "./sub/", "./sub/x deep"];
const below = (name: string) => [`./${name}/`, ...CONTENT.map((line) => line.replace("./", `./${name}/`))];

async function copies(client: FileClient, ...args: string[]): Promise<void> {
  expectResult(await client.call("cp", ...args), {});
}

scenario("cp", {
  "into a container: a directory, its content, a file, to other names, through symlinks": withBoth(
    async (fixture, client) => {
      const dir = await source(fixture);
      await fixture.background("box");
      await fixture.tsd("exec", "box", "sh", "-c", "mkdir -p /t/there; ln -s there /t/link; ln -s /t/new /t/dangling");
      await copies(client, dir, "box:/t/there");
      assert.deepEqual(await inside(fixture, "box", "/t/there"), below("d"));
      await copies(client, `${dir}/.`, "box:/t/content");
      assert.deepEqual(await inside(fixture, "box", "/t/content"), CONTENT);
      await copies(client, dir, "box:/t/other");
      assert.deepEqual(await inside(fixture, "box", "/t/other"), CONTENT);
      await copies(client, `${dir}/f`, "box:/t/link");
      await copies(client, `${dir}/f`, "box:/t/there/g");
      await copies(client, `${dir}/f`, "box:/t/dangling");
      await copies(client, "-L", `${dir}/l`, "box:/t/followed");
      await copies(client, `${dir}/l`, "box:/t/there");
      assert.deepEqual(await inside(fixture, "box", "/t/there"), [...below("d"), "./f text", "./g text", "./l -> sub"]);
      assert.deepEqual(await inside(fixture, "box", "/t/followed"), ["./x deep"]);
      expectResult(await fixture.tsd("exec", "box", "cat", "/t/new"), { stdout: "text" });
      await fixture.remove("box");
    },
  ),
  "out of a container: the same": withBoth(async (fixture, client) => {
    await fixture.background("box");
    const script = "mkdir -p /d/sub; printf text >/d/f; printf deep >/d/sub/x; ln -s sub /d/l; ln /d/f /d/h";
    expectResult(await fixture.tsd("exec", "box", "sh", "-c", script), {});
    const { dir } = fixture;
    await Deno.mkdir(`${dir}/there`);
    const text = (path: string) => Deno.readTextFile(`${dir}/${path}`);
    await copies(client, "box:/d", `${dir}/there`);
    await copies(client, "box:/d/.", `${dir}/content`);
    await copies(client, "box:/d/", `${dir}/new`);
    for (const path of ["there/d", "content", "new"]) {
      assert.deepEqual([await text(`${path}/f`), await text(`${path}/sub/x`), await text(`${path}/h`)], [
        "text",
        "deep",
        "text",
      ]);
      assert.equal(await Deno.readLink(`${dir}/${path}/l`), "sub");
      assert.equal((await Deno.stat(`${dir}/${path}/h`)).nlink, 2);
    }
    await copies(client, "box:/d/f", `${dir}/there`);
    await copies(client, "box:/d/f", `${dir}/there/g`);
    await copies(client, "box:/d/f", `${dir}/there/g`);
    await copies(client, "-L", "box:/d/l", `${dir}/followed`);
    assert.deepEqual([await text("there/f"), await text("there/g"), await text("followed/x")], [
      "text",
      "text",
      "deep",
    ]);
    await fixture.remove("box");
  }),
  "tar streams: from standard input, also compressed, and to standard output": withBoth(
    async (fixture, client) => {
      await source(fixture);
      await fixture.background("box");
      const program = client.name === "tsd" ? "$tsd" : "docker";
      const shell = async (script: string, stdout = "") => {
        expectResult(await fixture.shell(script.replaceAll("CLIENT", program)), { stdout });
      };
      await shell("tar c d | CLIENT cp - box:/tmp");
      await shell("tar c -C d . | gzip | CLIENT cp - box:/home");
      assert.deepEqual(await inside(fixture, "box", "/tmp"), below("d"));
      assert.deepEqual((await inside(fixture, "box", "/home")).filter((line) => !line.includes("app")), CONTENT);
      await shell("CLIENT cp box:/tmp/d - | tar t | sort", "d/\nd/f\nd/l\nd/sub/\nd/sub/x\n");
      await shell("CLIENT cp box:/tmp/d/. - | tar x && cat f sub/x", "textdeep");
      await shell("CLIENT cp box:/ - | tar t 2>/dev/null | grep -c etc/passwd$", "1\n");
      await fixture.remove("box");
    },
  ),
  "created and stopped containers, and their binds": withBoth(async (fixture, client) => {
    const dir = await source(fixture);
    await Deno.mkdir(`${dir}/bound`);
    const create = ["create", "--network", "none", "--name", "box", "-v", `${dir}/bound:/mnt/bound`, fixture.image];
    expectResult(await fixture.tsd(...create, "sh", "-c", "cat /in /mnt/bound/in; rm /in"), {
      stdout: /^[0-9a-f]{64}\n$/,
    });
    await copies(client, `${dir}/f`, "box:/in");
    await copies(client, `${dir}/f`, "box:/mnt/bound/in");
    assert.equal(await Deno.readTextFile(`${dir}/bound/in`), "text");
    expectResult(await fixture.tsd("start", "-a", "box"), { stdout: "texttext" });
    await copies(client, `${dir}/f`, "box:/mnt/bound/again");
    await copies(client, "box:/mnt/bound", `${dir}/out`);
    assert.deepEqual([...Deno.readDirSync(`${dir}/out`)].map(({ name }) => name).sort(), ["again", "in"]);
    expectResult(await client.call("cp", "box:/in", "-"), {
      code: 1,
      stderr: client.says("Could not find the file /in in container box"),
    });
    await fixture.remove("box");
  }),
  "binds and tmpfs of a running container; read-only ones refuse": withBoth(async (fixture, client) => {
    const dir = await source(fixture);
    for (const name of ["rw", "ro"]) await Deno.mkdir(`${dir}/${name}`);
    const mounts = ["-v", `${dir}/rw:/rw`, "-v", `${dir}/ro:/ro:ro`, "--tmpfs", "/scratch"];
    await fixture.background("box", undefined, mounts);
    await copies(client, `${dir}/f`, "box:/rw/f");
    assert.equal(await Deno.readTextFile(`${dir}/rw/f`), "text");
    await copies(client, `${dir}/f`, "box:/scratch/f");
    expectResult(await fixture.tsd("exec", "box", "cat", "/scratch/f"), { stdout: "text" });
    for (const path of ["/dev/shm/f", "/scratch/g"]) {
      await copies(client, `${dir}/f`, `box:${path}`);
      expectResult(await fixture.tsd("exec", "box", "cat", path), { stdout: "text" });
    }
    const readOnly = { code: 1, stderr: client.says("mounted volume is marked read-only") };
    expectResult(await client.call("cp", `${dir}/f`, "box:/ro"), readOnly);
    expectResult(await client.call("cp", `${dir}/f`, "box:/ro/new"), readOnly);
    await fixture.background("locked", undefined, ["--read-only", "-v", `${dir}/rw:/rw`]);
    expectResult(await client.call("cp", `${dir}/f`, "locked:/etc"), {
      code: 1,
      stderr: client.says("container rootfs is marked read-only"),
    });
    await copies(client, `${dir}/f`, "locked:/rw/two");
    await copies(client, "locked:/etc/passwd", `${dir}/passwd`);
    assert.deepEqual([...Deno.readDirSync(`${dir}/ro`)], []);
    await fixture.remove("box", "locked");
  }),
  "owners: unchanged, or with -a the container's user; times and modes": withBoth(async (fixture, client) => {
    const { dir } = fixture;
    await Deno.writeTextFile(`${dir}/f`, "x");
    await Deno.chown(`${dir}/f`, 1234, 5678);
    await Deno.chmod(`${dir}/f`, 0o640);
    await Deno.utime(`${dir}/f`, 1e9, 1e9);
    await fixture.background("box", undefined, ["-u", "app"]);
    const stat = async (path: string) => (await fixture.tsd("exec", "box", "stat", "-c", "%u:%g %a %Y", path)).stdout;
    await copies(client, `${dir}/f`, "box:/tmp/plain");
    assert.equal(await stat("/tmp/plain"), "1234:5678 640 1000000000\n");
    await copies(client, "-a", `${dir}/f`, "box:/tmp/archive");
    assert.equal(await stat("/tmp/archive"), "1000:1000 640 1000000000\n");
    await copies(client, "box:/tmp/plain", `${dir}/back`);
    const { uid, gid, mode, mtime } = await Deno.stat(`${dir}/back`);
    assert.deepEqual([uid, gid, mode! & 0o777, mtime?.getTime()], [0, 0, 0o640, 1e12]);
    await fixture.remove("box");
  }),
  "Docker's messages and exit codes": withBoth(async (fixture, client) => {
    const dir = await source(fixture);
    await fixture.background("box");
    const file = `${dir}/f`;
    const engine: readonly (readonly [args: readonly string[], message: string])[] = [
      [[file, "box:/no/where"], "Could not find the file /no in container box"],
      [[file, "box:/etc/passwd/x"], "extraction point is not a directory"],
      [[file, "box:/etc/hosts"], "unlinkat /etc/hosts: device or resource busy"],
      [["box:/nothing", dir], "Could not find the file /nothing in container box"],
      [["box:/etc/passwd/x", dir], "lstat /etc/passwd/x: not a directory"],
      [["box:/etc/passwd/", dir], "lstat /etc/passwd/: not a directory"],
      [["box:/proc/version", dir], "Could not find the file /proc/version in container box"],
      [["nosuch:/etc", dir], "No such container: nosuch"],
    ];
    for (const [args, message] of engine) {
      expectResult(await client.call("cp", ...args), { code: 1, stderr: client.says(message) });
    }
    const own: readonly (readonly [args: readonly string[], message: string | RegExp])[] = [
      [[dir, "box:/etc/passwd"], /^(time=.*\n)*cannot copy directory\n$/],
      [[file, "box:/new/"], /^(time=.*\n)*no such directory\n$/],
      [["box:/etc", file], "cannot copy directory\n"],
      [["box:/etc/passwd", `${dir}/new/`], "no such directory\n"],
      [["box:/etc/passwd", `${dir}/no/x`], `invalid output path: directory "${dir}/no" does not exist\n`],
      [["box:/a", "box:/b"], "copying between containers is not supported\n"],
      [[file, dir], "must specify at least one container source\n"],
      [["", "box:/a"], "source can not be empty\n"],
      [[`${dir}/nothing`, "box:/tmp"], `lstat ${dir}/nothing: no such file or directory\n`],
      [[file, "box:/dev/null/."], /./],
    ];
    for (const [args, stderr] of own) expectResult(await client.call("cp", ...args), { code: 1, stderr });
    expectResult(await fixture.tsd("diff", "box"), {});
    await fixture.remove("box");
  }),
  "events": async (fixture) => {
    const since = String(Date.now() / 1000);
    const dir = await source(fixture);
    await fixture.background("box");
    await fixture.tsd("cp", dir, "box:/tmp");
    await fixture.tsd("cp", "box:/tmp/d", `${dir}/out`);
    await fixture.tsd("export", "-o", `${dir}/all.tar`, "box");
    await fixture.tsd("cp", "box:/nothing", dir);
    await fixture.remove("box");
    const args = ["events", "--since", since, "--until", String(Date.now() / 1000 + 1), "--format", "{{.Action}}"];
    const { stdout } = await fixture.tsd(...args, "--filter", "type=container");
    const actions = stdout.split("\n").filter((action) => /archive|extract|export/.test(action));
    assert.deepEqual(actions, ["extract-to-dir", "archive-path", "export"]);
  },
});
