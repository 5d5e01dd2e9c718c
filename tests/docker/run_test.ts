/** The real docker CLI runs containers on this engine: `run`, `create`, `start`, `exec`, `logs`. */
import { strict as assert } from "node:assert";
import type { RunResult } from "../harness/mod.ts";
import { expectResult, type Fixture, ON_SIGNAL, scenario } from "../cli/setup.ts";

const NONE = ["--network", "none"];

/** Runs `docker run --rm --network none FLAGS IMAGE COMMAND…`. */
function run(fixture: Fixture, command: readonly string[], ...flags: string[]): Promise<RunResult> {
  return fixture.docker("run", "--rm", ...NONE, ...flags, fixture.image, ...command);
}

async function background(
  fixture: Fixture,
  name: string,
  command: readonly string[],
  ...flags: string[]
): Promise<string> {
  const result = await fixture.docker("run", "-d", ...NONE, "--name", name, ...flags, fixture.image, ...command);
  expectResult(result, { stdout: /^[0-9a-f]{64}\n$/ });
  return result.stdout.trim();
}

scenario("docker run", {
  "attached: separate output streams, exit codes": async (fixture) => {
    expectResult(await run(fixture, ["sh", "-c", "echo out; echo err >&2; exit 42"]), {
      ...{ code: 42, stdout: "out\n", stderr: "err\n" },
    });
    for (const code of [0, 1, 255]) expectResult(await run(fixture, ["sh", "-c", `exit ${code}`]), { code });
    expectResult(await run(fixture, []), {});
  },
  "-i transfers several megabytes in both directions unchanged": async (fixture) => {
    const script =
      "head -c 5000000 /dev/urandom >in; docker run --rm -i --network none $image cat <in >out; cmp in out";
    expectResult(await fixture.shell(script), {});
    const digest = (await fixture.shell("sha256sum <in")).stdout;
    expectResult(await fixture.shell("cat in | docker run --rm -i --network none $image sha256sum"), {
      stdout: digest,
    });
    expectResult(await fixture.shell("docker run --rm -i --network none $image true <in"), {});
  },
  "-i: an interactive conversation": async (fixture) => {
    const args = [
      "run",
      "--rm",
      "-i",
      ...NONE,
      fixture.image,
      "sh",
      "-c",
      'while read line; do echo "heard $line"; done',
    ];
    await using session = fixture.engine.session("docker", args);
    await session.write("one\n");
    await session.waitFor("heard one\n");
    await session.write("two\n");
    await session.closeStdin();
    expectResult(await session.wait(), { stdout: "heard one\nheard two\n" });
  },
  "flags beyond tsd's own command: -m, --cpus, --ulimit, --add-host, --mount": async (fixture) => {
    const script = "cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max 2>/dev/null";
    expectResult(await run(fixture, ["sh", "-c", `${script} || true`], "-m", "64m"), { stdout: "67108864\n" });
    const quota = "cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us /sys/fs/cgroup/cpu.max 2>/dev/null || true";
    expectResult(await run(fixture, ["sh", "-c", quota], "--cpus", "0.5"), { stdout: /^50000\b/ });
    expectResult(await run(fixture, ["sh", "-c", "ulimit -n"], "--ulimit", "nofile=100:200"), { stdout: "100\n" });
    expectResult(await run(fixture, ["grep", "other", "/etc/hosts"], "--add-host", "other:10.1.2.3"), {
      stdout: "10.1.2.3\tother\n",
    });
    const mount = `type=bind,source=${fixture.dir},target=/mnt,readonly`;
    expectResult(await run(fixture, ["touch", "/mnt/x"], "--mount", mount), {
      ...{ code: 1, stderr: "touch: /mnt/x: Read-only file system\n" },
    });
    const size = ["sh", "-c", "df -k /scratch | tail -n 1 | awk '{ print $2 }'"];
    expectResult(await run(fixture, size, "--mount", "type=tmpfs,target=/scratch,tmpfs-size=1m"), { stdout: "1024\n" });
  },
  "flags that both clients have": async (fixture) => {
    const flags = ["-e", "A=1", "-w", "/tmp", "-u", "app", "--hostname", "box", "--cap-drop", "ALL", "--read-only"];
    const script = "echo $A $PWD $(id -u) $(hostname); grep CapEff /proc/self/status; touch /tmp/x";
    expectResult(await run(fixture, ["sh", "-c", script], ...flags), {
      code: 1,
      stdout: "1 /tmp 1000 box\nCapEff:\t0000000000000000\n",
      stderr: "touch: /tmp/x: Read-only file system\n",
    });
    expectResult(await run(fixture, ["sh", "-c", "echo x >/mnt/file"], "-v", `${fixture.dir}/made:/mnt`), {});
    assert.equal(await Deno.readTextFile(`${fixture.dir}/made/file`), "x\n");
  },
  "signals are forwarded": async (fixture) => {
    const script = "trap 'echo got INT; exit 7' INT; echo ready; while :; do sleep 0.02; done";
    await using session = fixture.engine.session("docker", ["run", "--rm", ...NONE, fixture.image, "sh", "-c", script]);
    await session.waitFor("ready\n");
    session.kill("SIGINT");
    expectResult(await session.wait(), { code: 7, stdout: "ready\ngot INT\n" });
  },
  "a missing image is pulled": async (fixture) => {
    expectResult(await fixture.docker("rmi", fixture.image), { stdout: /^Untagged: / });
    const { code, stdout, stderr } = await run(fixture, ["echo", "hi"]);
    assert.deepEqual([code, stdout], [0, "hi\n"]);
    assert.match(
      stderr,
      new RegExp(`^Unable to find image '${fixture.image}:latest' locally\nlatest: Pulling from busybox\n`),
    );
    assert.match(stderr, /\nStatus: Downloaded newer image for \S+\n$/);
  },
}, "docker");

scenario("docker create, start, attach, exec, logs", {
  "create, start -a, start -ai": async (fixture) => {
    const created = await fixture.docker(
      "create",
      "-i",
      ...NONE,
      "--name",
      "reader",
      fixture.image,
      "sh",
      "-c",
      "cat; exit 3",
    );
    expectResult(created, { stdout: /^[0-9a-f]{64}\n$/ });
    const fed = await fixture.engine.docker(["start", "-ai", "reader"], { stdin: "one\ntwo\n" });
    expectResult(fed, { code: 3, stdout: "one\ntwo\n" });
    expectResult(await fixture.docker("start", "reader"), { stdout: "reader\n" });
    expectResult(await fixture.docker("rm", "-f", "reader"), { stdout: "reader\n" });
  },
  "attach to a running container: new output, its exit code": async (fixture) => {
    const script = `${ON_SIGNAL.set}; echo early; ${ON_SIGNAL.wait}; echo late; exit 5`;
    const id = await background(fixture, "watched", ["sh", "-c", script]);
    await using session = fixture.engine.session("docker", ["attach", "watched"]);
    // Nothing reports the attachment; it exists once the engine has two more connections.
    await fixture.until("the attachment", async () => (await connections(fixture)) >= 2);
    expectResult(await fixture.docker("kill", "-s", "USR1", id), { stdout: `${id}\n` });
    expectResult(await session.wait(), { code: 5, stdout: "late\n" });
    expectResult(await fixture.docker("rm", "watched"), { stdout: "watched\n" });
  },
  "exec: output, exit codes, -i, -d, -e, -w, -u": async (fixture) => {
    await background(fixture, "box", ["sleep", "1000"]);
    const exec = (...args: string[]) => fixture.docker("exec", ...args);
    expectResult(await exec("box", "sh", "-c", "echo out; echo err >&2; exit 9"), {
      ...{ code: 9, stdout: "out\n", stderr: "err\n" },
    });
    const fed = await fixture.engine.docker(["exec", "-i", "box", "cat"], { stdin: "fed\n" });
    expectResult(fed, { stdout: "fed\n" });
    const flags = ["-e", "A=1", "-w", "/tmp", "-u", "app"];
    expectResult(await exec(...flags, "box", "sh", "-c", "echo $A $PWD $(id -u)"), { stdout: "1 /tmp 1000\n" });
    expectResult(await exec("-d", "box", "touch", "/done"), {});
    await fixture.until("its file", async () => (await exec("box", "test", "-e", "/done")).code === 0);
    expectResult(await exec("box", "nope"), {
      code: 127,
      stdout: /executable file not found in \$PATH: unknown\r?\n$/,
    });
    expectResult(await exec("box", "/etc/passwd"), { code: 126, stdout: /permission denied: unknown\r?\n$/ });
    const script = "head -c 3000000 /dev/urandom >in; docker exec -i box cat <in >out; cmp in out";
    expectResult(await fixture.shell(script), {});
    expectResult(await fixture.docker("rm", "-f", "box"), { stdout: "box\n" });
  },
  "logs: -f, --tail, -t, --since": async (fixture) => {
    const script = `${ON_SIGNAL.set}; echo 1; echo 2 >&2; sleep 0.05; echo 3; ${ON_SIGNAL.wait}; echo 4`;
    await background(fixture, "talker", ["sh", "-c", script]);
    await using session = fixture.engine.session("docker", ["logs", "-f", "talker"]);
    await session.waitFor("3\n");
    expectResult(await fixture.docker("logs", "talker"), { stdout: "1\n3\n", stderr: "2\n" });
    expectResult(await fixture.docker("logs", "--tail", "1", "talker"), { stdout: "3\n" });
    expectResult(await fixture.docker("kill", "-s", "USR1", "talker"), { stdout: "talker\n" });
    expectResult(await session.wait(), { stdout: "1\n3\n4\n", stderr: "2\n" });
    const { stdout } = await fixture.docker("logs", "-t", "--tail", "2", "talker");
    const [three] = /^\S+Z(?= 3\n)/.exec(stdout) ?? [];
    assert.ok(three, stdout);
    expectResult(await fixture.docker("logs", "--since", three, "talker"), { stdout: "3\n4\n" });
    expectResult(await fixture.docker("rm", "talker"), { stdout: "talker\n" });
  },
}, "docker");

/** Counts the open connections to the engine's socket. */
async function connections(fixture: Fixture): Promise<number> {
  const table = await Deno.readTextFile("/proc/net/unix");
  // Established (03) sockets with the listener's path are the engine's ends; it is the path before the rename into
  // place.
  const path = fixture.engine.socketPath.replace(/.$/, "~");
  return table.split("\n").filter((line) => line.endsWith(path) && / 03 +\d+ /.test(line)).length;
}
