import { strict as assert } from "node:assert";
import { expectResult, scenario, type World } from "./setup.ts";

const exec = (world: World, ...args: string[]) => world.tsd("exec", ...args);

scenario("tsd exec", {
  "output apart, exit codes": async (world) => {
    await world.background("box");
    expectResult(await exec(world, "box", "sh", "-c", "echo out; echo err >&2; exit 42"), {
      ...{ code: 42, stdout: "out\n", stderr: "err\n" },
    });
    for (const code of [0, 1, 125, 255]) expectResult(await exec(world, "box", "sh", "-c", `exit ${code}`), { code });
    expectResult(await exec(world, "box", "sh", "-c", "kill -TERM $$"), { code: 143 });
    expectResult(await exec(world, "box", "hostname"), { stdout: /^[0-9a-f]{12}\n$/ });
    await world.remove("box");
  },
  "-e, -w, -u; the container's own settings without them": async (world) => {
    await world.background("set", ["sleep", "1000"], ["-e", "A=1", "-e", "B=1", "-w", "/tmp", "-u", "app"]);
    const show = ["sh", "-c", "echo $(id -u):$(id -g) $PWD $HOME $A$B$C"];
    expectResult(await exec(world, "set", ...show), { stdout: "1000:1000 /tmp /home/app 11\n" });
    const flags = ["-e", "B=2", "-e", "C=3", "-w", "/etc", "-u", "0"];
    expectResult(await exec(world, ...flags, "set", ...show), { stdout: "0:0 /etc /root 123\n" });
    expectResult(await exec(world, "-u", "4711:42", "set", "id", "-g"), { stdout: "42\n" });
    const own = await world.engine.tsd(["exec", "-e", "OWN", "set", "sh", "-c", "echo $OWN"], { env: { OWN: "mine" } });
    expectResult(own, { stdout: "mine\n" });
    await Deno.writeTextFile(`${world.folder}/set.env`, "# of a file\nB=4\nC=from it\nOWN\n");
    const files = ["exec", "--env-file", `${world.folder}/set.env`, "-e", "B=2"];
    const both = await world.engine.tsd([...files, "set", "sh", "-c", "echo $A$B$C$OWN"], { env: { OWN: "mine" } });
    expectResult(both, { stdout: "12from itmine\n" });
    expectResult(await exec(world, "--env-file", "/no/where", "set", "true"), {
      ...{ code: 1, stderr: "open /no/where: no such file or directory\n" },
    });
    await world.remove("set");
  },
  "-i feeds it; without -i there is nothing to read": async (world) => {
    await world.background("fed");
    const fed = await world.engine.tsd(["exec", "-i", "fed", "sh", "-c", "cat; exit 5"], { stdin: "one\ntwo" });
    expectResult(fed, { code: 5, stdout: "one\ntwo" });
    expectResult(await world.engine.tsd(["exec", "fed", "cat"], { stdin: "lost" }), {});
    await using session = world.engine.session("tsd", ["exec", "-i", "fed", "sh"]);
    await session.write("echo a; echo b >&2\n");
    await session.waitFor("a\n");
    await session.waitFor("b\n", "stderr");
    await session.write("exit 3\n");
    expectResult(await session.wait(), { code: 3, stdout: "a\n", stderr: "b\n" });
    await world.remove("fed");
  },
  "-i: several megabytes in and out, byte by byte": async (world) => {
    await world.background("bytes");
    const script = "head -c 4000000 /dev/urandom >in; $tsd exec -i bytes cat <in >out; cmp in out; sha256sum <in >sum";
    expectResult(await world.shell(script), {});
    expectResult(await world.shell("cat in | $tsd exec -i bytes sha256sum | cmp - sum"), {});
    await world.remove("bytes");
  },
  "-d returns at once and leaves it running": async (world) => {
    await world.background("host");
    expectResult(await exec(world, "-d", "host", "sh", "-c", "touch /there; sleep 1000; true"), {});
    await world.until("its file", async () => (await exec(world, "host", "test", "-e", "/there")).code === 0);
    expectResult(await exec(world, "host", "sh", "-c", "ps -o args | grep '[s]leep'"), {
      stdout: "sleep 1000\nsh -c touch /there; sleep 1000; true\nsleep 1000\n",
    });
    await world.remove("host");
  },
  "--privileged has all capabilities": async (world) => {
    await world.background("plain");
    const script = ["sh", "-c", "grep CapEff /proc/self/status"];
    expectResult(await exec(world, "plain", ...script), { stdout: "CapEff:\t00000000a80425fb\n" });
    const status = await Deno.readTextFile(`/proc/${world.engine.pid}/status`);
    const bounding = /CapBnd:\s+(\w+)/.exec(status)![1];
    expectResult(await exec(world, "--privileged", "plain", ...script), { stdout: `CapEff:\t${bounding}\n` });
    await world.remove("plain");
  },
  "what cannot be started: one line on stdout as with docker, 126 or 127, and the container goes on": async (world) => {
    await world.background("sturdy");
    const failure = (rest: string) =>
      new RegExp(`^OCI runtime exec failed: exec failed: unable to start container process: ${rest}: unknown\\r?\\n$`);
    const cases: readonly (readonly [args: string[], code: number, stdout: RegExp])[] = [
      [["sturdy", "nope"], 127, failure('exec: "nope": executable file not found in \\$PATH')],
      [["sturdy", "/no/where"], 127, failure('exec: "/no/where": stat /no/where: no such file or directory')],
      [["sturdy", "/etc/passwd"], 126, failure('exec: "/etc/passwd": permission denied')],
      [
        ["-u", "nobody2", "sturdy", "id"],
        126,
        /^unable to find user nobody2: no matching entries in passwd file\r?\n$/,
      ],
      [
        ["-w", "/etc/passwd", "sturdy", "id"],
        127,
        /chdir to cwd \("\/etc\/passwd"\) .*not a directory: unknown: Are you trying to mount a directory onto a file/,
      ],
    ];
    for (const [args, code, stdout] of cases) {
      const result = await exec(world, ...args);
      assert.deepEqual([args, result.code, result.stderr], [args, code, ""]);
      assert.match(result.stdout, stdout);
    }
    expectResult(await exec(world, "sturdy", "echo", "fine"), { stdout: "fine\n" });
    await world.remove("sturdy");
  },
  "an exec ends with its container": async (world) => {
    await world.background("short");
    await using session = world.engine.session("tsd", ["exec", "short", "sh", "-c", "echo up; sleep 1000"]);
    await session.waitFor("up\n");
    await world.remove("short");
    const { code } = await session.wait();
    assert.equal(code, 137);
  },
  "one that starts while its container ends is never told of the engine's own files": async (world) => {
    for (let round = 0; round < 5; round++) {
      await world.background("ending", ["sleep", "1000"], ["--rm"]);
      const execs = Array.from({ length: 6 }, () => exec(world, "ending", "true"));
      await new Promise((resolve) => setTimeout(resolve, round * 15));
      expectResult(await world.tsd("kill", "ending"), { stdout: "ending\n" });
      for (const result of await Promise.all(execs)) {
        assert.match(result.stderr, /^(tsd: |OCI runtime exec failed: |cannot exec: |)[^\n]*\n?$/);
        assert.doesNotMatch(result.stderr, /os error|\/run\/tsd/);
      }
      await world.until("its removal", async () => (await world.containers()).length === 0);
      await world.noNewTraces([]);
    }
  },
  "ten at once, each with its own output and exit code": async (world) => {
    await world.background("busy");
    const all = Array.from({ length: 10 }, (_, n) => exec(world, "busy", "sh", "-c", `echo out ${n}; exit ${n}`));
    for (const [code, result] of (await Promise.all(all)).entries()) {
      expectResult(result, { code, stdout: `out ${code}\n` });
    }
    await world.remove("busy");
  },
  "in a created or stopped container": async (world) => {
    const { stdout } = await world.tsd("create", "--name", "still", "--network", "none", world.image, "true");
    const refused = { code: 1, stderr: `tsd: container ${stdout.trim()} is not running\n` };
    expectResult(await exec(world, "still", "id"), refused);
    expectResult(await world.tsd("start", "-a", "still"), {});
    expectResult(await exec(world, "still", "id"), refused);
    await world.remove("still");
  },
});
