import { strict as assert } from "node:assert";
import "../sys/preopen_testing.ts";
import { type ErrorCode, isTsdError } from "../errors.ts";
import { processes, processStat, readProcFile, selfProcess } from "../sys/mod.ts";
import { Reaper } from "./reaper.ts";
import { Runc } from "./runc.ts";

interface Fixture {
  readonly dir: string;
  readonly runc: Runc;
  readonly stdio: { stdin: string; stdout: string; stderr: string };
}

/** Runs `body` with a fake runtime, a shell script: `$cmd` is the subcommand, `$log` and `$pidfile` are its options. */
async function withFake(script: string, body: (fixture: Fixture) => Promise<void>, deadlineMs = 5000): Promise<void> {
  const dir = await Deno.makeTempDir();
  using reaper = new Reaper(processes).start();
  // A signal listener alone doesn't keep the event loop running.
  const alive = setInterval(() => {}, 1000);
  try {
    const path = `${dir}/fake`;
    const head = `#!/bin/sh
root=$2 log=$4; shift 6; cmd=$1
while [ $# -gt 0 ]; do [ "$1" = --pid-file ] && pidfile=$2; id=$1; shift; done
echo "$cmd" >>${dir}/calls
`;
    await Deno.writeTextFile(path, head + script, { mode: 0o755 });
    const null_ = "/dev/null";
    const runc = new Runc({ path, stateRoot: `${dir}/state`, logDir: dir, deadlineMs }, processes, reaper);
    await body({ dir, runc, stdio: { stdin: null_, stdout: null_, stderr: null_ } });
  } finally {
    clearInterval(alive);
    await Deno.remove(dir, { recursive: true });
  }
}

const failWith = (text: string) => `echo '{"level":"error","msg":${JSON.stringify(text)}}' >"$log"; exit 1`;

async function createError(
  script: string,
  deadlineMs?: number,
): Promise<{ code: ErrorCode; message: string; remaining: string[] }> {
  let failure: { code: ErrorCode; message: string } | undefined;
  const remaining: string[] = [];
  await withFake(script, async ({ dir, runc, stdio }) => {
    await Deno.mkdir(`${dir}/bundle`);
    await assert.rejects(runc.create({ id: "c1", bundle: `${dir}/bundle`, stdio }), (thrown) => {
      if (!isTsdError(thrown)) return false;
      failure = { code: thrown.code, message: thrown.message };
      return true;
    });
    for await (const entry of Deno.readDir(`${dir}/bundle`)) remaining.push(entry.name);
  }, deadlineMs);
  return { ...failure!, remaining };
}

Deno.test("create returns the pid that the runtime wrote", async () => {
  await withFake('echo -n 4242 >"$pidfile"', async ({ dir, runc, stdio }) => {
    await Deno.mkdir(`${dir}/bundle`);
    assert.deepEqual(await runc.create({ id: "c1", bundle: `${dir}/bundle`, stdio }), { pid: 4242 });
  });
});

Deno.test("errors name the files and directories that another program removed, not the runtime", async () => {
  await withFake("exit 1", async ({ dir, runc, stdio }) => {
    await Deno.mkdir(`${dir}/bundle`);
    await assert.rejects(
      runc.create({ id: "c1", bundle: `${dir}/bundle`, stdio: { ...stdio, stdout: `${dir}/bundle/1` } }),
      { code: "runtime_failed", message: `Cannot run ${dir}/fake: ${dir}/bundle/1 was removed` },
    );
    await assert.rejects(
      runc.create({ id: "c1", bundle: `${dir}/gone`, stdio }),
      { code: "runtime_failed", message: `fake create failed: ${dir}/gone was removed meanwhile` },
    );
  });
});

Deno.test("runc's error texts are converted to the codes that determine docker's exit codes", async () => {
  const cases: [string, ErrorCode][] = [
    [
      'runc create failed: unable to start container process: error during container init: exec: "nope": executable file not found in $PATH',
      "command_not_found",
    ],
    ['unable to start container process: exec: "/nope": stat /nope: no such file or directory', "command_not_found"],
    ['unable to start container process: exec: "/etc/passwd": permission denied', "command_not_executable"],
    ['unable to start container process: exec: "/etc": is a directory', "command_not_executable"],
    ["container with given ID already exists", "runtime_failed"],
  ];
  for (const [text, code] of cases) {
    const error = await createError(failWith(text));
    assert.equal(error.code, code, text);
    assert.ok(error.message.includes(text));
  }
});

Deno.test("a runtime that fails without a message or prints garbage yields a clear error and leaves no file", async () => {
  const silent = await createError("exit 3");
  assert.equal(silent.message, "fake create failed with exit code 3 and said nothing");
  const garbage = await createError('head -c 300 /dev/urandom >"$log"; exit 1');
  assert.equal(garbage.code, "runtime_failed");
  assert.deepEqual(garbage.remaining, []);
});

Deno.test("a runtime that hangs is killed at the deadline", async () => {
  const error = await createError("sleep 30", 200);
  assert.equal(error.code, "timeout");
});

Deno.test("an exec that hangs or fails after it has created its process kills that process", async () => {
  selfProcess.setChildSubreaper();
  const createProcess = 'setsid sleep 1000 & echo -n $! >"$pidfile"; ';
  for (const [what, code] of [["sleep 30", "timeout"], ["exit 4", "runtime_failed"]] as const) {
    await withFake(`${createProcess} cp "$pidfile" "$pidfile.copy"; ${what}`, async ({ dir, runc, stdio }) => {
      const options = { containerId: "c1", execId: "e1", dir, processJson: "{}", stdio };
      await assert.rejects(runc.exec(options), (thrown) => isTsdError(thrown, code));
      const pid = Number(await Deno.readTextFile(`${dir}/e1.pid.copy`));
      for (const deadline = Date.now() + 15_000; (processStat(pid)?.state ?? "Z") !== "Z";) {
        assert.ok(Date.now() < deadline, `process ${pid} is still there`);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    }, 500);
  }
});

Deno.test("a container waits as long as its process is runc's init and its FIFO exists", async () => {
  await withFake("", async ({ dir, runc }) => {
    assert.equal(await runc.isWaiting("c1"), false);
    const fifo = `${dir}/state/c1/exec.fifo`;
    await Deno.mkdir(`${dir}/state/c1`, { recursive: true });
    await Deno.writeTextFile(fifo, "");
    // Its command line ends like that of runc's init.
    await Deno.writeTextFile(`${dir}/runc`, "while :; do sleep 0.05; done\n");
    const init = processes.spawn({ path: "/bin/sh", argv: ["sh", `${dir}/runc`, "init"], env: {}, stdio: [] });
    // The command line is empty during execve(2).
    for (const deadline = Date.now() + 15_000; readProcFile(`/proc/${init}/cmdline`) === "";) {
      assert.ok(Date.now() < deadline);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    const waits = [await runc.isWaiting("c1"), await runc.isWaiting("c1", init)];
    processes.kill(init, 9);
    assert.deepEqual(waits, [true, true]);
    assert.equal(await runc.isWaiting("c1", Deno.pid), false);
    await assert.rejects(Deno.lstat(fifo), Deno.errors.NotFound);
  });
});

Deno.test("an invalid pid file is rejected", async () => {
  assert.equal((await createError('echo -n x >"$pidfile"')).code, "runtime_failed");
});

Deno.test("a failed create deletes the runtime's state", async () => {
  await withFake(
    `mkdir -p "$root/c1"; [ "$cmd" = delete ] && rm -r "$root/c1" && exit 0; exit 1`,
    async ({ dir, runc, stdio }) => {
      await Deno.mkdir(`${dir}/bundle`);
      await assert.rejects(runc.create({ id: "c1", bundle: `${dir}/bundle`, stdio }));
      assert.deepEqual((await Deno.readTextFile(`${dir}/calls`)).split("\n"), ["create", "delete", ""]);
    },
  );
});

Deno.test("the error for a missing runtime names it and suggests a package", async () => {
  using reaper = new Reaper(processes).start();
  const runc = new Runc({ path: "/nonexistent/runc", stateRoot: "/nonexistent", logDir: "/tmp" }, processes, reaper);
  await assert.rejects(
    runc.start("c1", 1 << 30),
    (thrown) => isTsdError(thrown, "runtime_missing") && thrown.message.endsWith("install the package runc"),
  );
});
