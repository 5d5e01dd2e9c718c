import { strict as assert } from "node:assert";
import { expectResult, type Fixture, scenario } from "./setup.ts";

const exec = (fixture: Fixture, ...args: string[]) => fixture.tsd("exec", ...args);

scenario("tsd exec", {
  "separate output streams, exit codes": async (fixture) => {
    await fixture.background("box");
    expectResult(await exec(fixture, "box", "sh", "-c", "echo out; echo err >&2; exit 42"), {
      ...{ code: 42, stdout: "out\n", stderr: "err\n" },
    });
    for (const code of [0, 1, 125, 255]) expectResult(await exec(fixture, "box", "sh", "-c", `exit ${code}`), { code });
    expectResult(await exec(fixture, "box", "sh", "-c", "kill -TERM $$"), { code: 143 });
    expectResult(await exec(fixture, "box", "hostname"), { stdout: /^[0-9a-f]{12}\n$/ });
    await fixture.remove("box");
  },
  "-e, -w and -u, and the container's settings without them": async (fixture) => {
    await fixture.background("set", ["sleep", "1000"], ["-e", "A=1", "-e", "B=1", "-w", "/tmp", "-u", "app"]);
    const show = ["sh", "-c", "echo $(id -u):$(id -g) $PWD $HOME $A$B$C"];
    expectResult(await exec(fixture, "set", ...show), { stdout: "1000:1000 /tmp /home/app 11\n" });
    const flags = ["-e", "B=2", "-e", "C=3", "-w", "/etc", "-u", "0"];
    expectResult(await exec(fixture, ...flags, "set", ...show), { stdout: "0:0 /etc /root 123\n" });
    expectResult(await exec(fixture, "-u", "4711:42", "set", "id", "-g"), { stdout: "42\n" });
    const own = await fixture.engine.tsd(["exec", "-e", "OWN", "set", "sh", "-c", "echo $OWN"], {
      env: { OWN: "mine" },
    });
    expectResult(own, { stdout: "mine\n" });
    await Deno.writeTextFile(`${fixture.dir}/set.env`, "# of a file\nB=4\nC=from it\nOWN\n");
    const files = ["exec", "--env-file", `${fixture.dir}/set.env`, "-e", "B=2"];
    const both = await fixture.engine.tsd([...files, "set", "sh", "-c", "echo $A$B$C$OWN"], { env: { OWN: "mine" } });
    expectResult(both, { stdout: "12from itmine\n" });
    expectResult(await exec(fixture, "--env-file", "/no/where", "set", "true"), {
      ...{ code: 1, stderr: "open /no/where: no such file or directory\n" },
    });
    await fixture.remove("set");
  },
  "-i feeds standard input; without -i it is empty": async (fixture) => {
    await fixture.background("fed");
    const fed = await fixture.engine.tsd(["exec", "-i", "fed", "sh", "-c", "cat; exit 5"], { stdin: "one\ntwo" });
    expectResult(fed, { code: 5, stdout: "one\ntwo" });
    expectResult(await fixture.engine.tsd(["exec", "fed", "cat"], { stdin: "lost" }), {});
    await using session = fixture.engine.session("tsd", ["exec", "-i", "fed", "sh"]);
    await session.write("echo a; echo b >&2\n");
    await session.waitFor("a\n");
    await session.waitFor("b\n", "stderr");
    await session.write("exit 3\n");
    expectResult(await session.wait(), { code: 3, stdout: "a\n", stderr: "b\n" });
    await fixture.remove("fed");
  },
  "-i transfers several megabytes in both directions unchanged": async (fixture) => {
    await fixture.background("bytes");
    const script = "head -c 4000000 /dev/urandom >in; $tsd exec -i bytes cat <in >out; cmp in out; sha256sum <in >sum";
    expectResult(await fixture.shell(script), {});
    expectResult(await fixture.shell("cat in | $tsd exec -i bytes sha256sum | cmp - sum"), {});
    await fixture.remove("bytes");
  },
  "-d returns at once and leaves the process running": async (fixture) => {
    await fixture.background("host");
    expectResult(await exec(fixture, "-d", "host", "sh", "-c", "touch /there; sleep 1000; true"), {});
    await fixture.until("its file", async () => (await exec(fixture, "host", "test", "-e", "/there")).code === 0);
    expectResult(await exec(fixture, "host", "sh", "-c", "ps -o args | grep '[s]leep'"), {
      stdout: "sleep 1000\nsh -c touch /there; sleep 1000; true\nsleep 1000\n",
    });
    await fixture.remove("host");
  },
  "--privileged grants all capabilities": async (fixture) => {
    await fixture.background("plain");
    const script = ["sh", "-c", "grep CapEff /proc/self/status"];
    expectResult(await exec(fixture, "plain", ...script), { stdout: "CapEff:\t00000000a80425fb\n" });
    const status = await Deno.readTextFile(`/proc/${fixture.engine.pid}/status`);
    const bounding = /CapBnd:\s+(\w+)/.exec(status)![1];
    expectResult(await exec(fixture, "--privileged", "plain", ...script), { stdout: `CapEff:\t${bounding}\n` });
    await fixture.remove("plain");
  },
  "a command that cannot be started is one line on stdout as with docker, code 126 or 127, and the container keeps running":
    async (
      fixture,
    ) => {
      await fixture.background("sturdy");
      const failure = (rest: string) =>
        new RegExp(
          `^OCI runtime exec failed: exec failed: unable to start container process: ${rest}: unknown\\r?\\n$`,
        );
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
        const result = await exec(fixture, ...args);
        assert.deepEqual([args, result.code, result.stderr], [args, code, ""]);
        assert.match(result.stdout, stdout);
      }
      expectResult(await exec(fixture, "sturdy", "echo", "fine"), { stdout: "fine\n" });
      await fixture.remove("sturdy");
    },
  "an exec ends with its container": async (fixture) => {
    await fixture.background("short");
    await using session = fixture.engine.session("tsd", ["exec", "short", "sh", "-c", "echo up; sleep 1000"]);
    await session.waitFor("up\n");
    await fixture.remove("short");
    const { code } = await session.wait();
    assert.equal(code, 137);
  },
  "an exec that starts while its container ends never shows the engine's files": async (fixture) => {
    for (let round = 0; round < 5; round++) {
      await fixture.background("ending", ["sleep", "1000"], ["--rm"]);
      const execs = Array.from({ length: 6 }, () => exec(fixture, "ending", "true"));
      await new Promise((resolve) => setTimeout(resolve, round * 15));
      expectResult(await fixture.tsd("kill", "ending"), { stdout: "ending\n" });
      for (const result of await Promise.all(execs)) {
        assert.match(result.stderr, /^(tsd: |OCI runtime exec failed: |cannot exec: |)[^\n]*\n?$/);
        assert.doesNotMatch(result.stderr, /os error|\/run\/tsd/);
      }
      await fixture.until("its removal", async () => (await fixture.containers()).length === 0);
      await fixture.noNewTraces([]);
    }
  },
  "ten concurrent execs each get their output and exit code": async (fixture) => {
    await fixture.background("busy");
    const all = Array.from({ length: 10 }, (_, n) => exec(fixture, "busy", "sh", "-c", `echo out ${n}; exit ${n}`));
    for (const [code, result] of (await Promise.all(all)).entries()) {
      expectResult(result, { code, stdout: `out ${code}\n` });
    }
    await fixture.remove("busy");
  },
  "exec in a created or stopped container fails": async (fixture) => {
    const { stdout } = await fixture.tsd("create", "--name", "still", "--network", "none", fixture.image, "true");
    const refused = { code: 1, stderr: `tsd: container ${stdout.trim()} is not running\n` };
    expectResult(await exec(fixture, "still", "id"), refused);
    expectResult(await fixture.tsd("start", "-a", "still"), {});
    expectResult(await exec(fixture, "still", "id"), refused);
    await fixture.remove("still");
  },
});
