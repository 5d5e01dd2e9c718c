import { strict as assert } from "node:assert";
import "../sys/preopen_testing.ts";
import { isTsdError } from "../errors.ts";
import { Reaper } from "./reaper.ts";
import { processes } from "../sys/mod.ts";
import { type HostExec, hostExec } from "./host_exec.ts";

async function withCommands(
  body: (run: HostExec, dir: string) => Promise<void>,
  calls: Pick<typeof processes, "spawn" | "kill"> = processes,
): Promise<void> {
  const dir = await Deno.makeTempDir();
  using exits = new Reaper(processes).start();
  // A signal listener alone keeps no event loop running.
  const alive = setInterval(() => {}, 1000);
  try {
    await body(hostExec(calls, exits, dir), dir);
    assert.deepEqual(await Array.fromAsync(Deno.readDir(dir)), []);
  } finally {
    clearInterval(alive);
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("a program's output of any size and its exit code are returned", async () => {
  await withCommands(async (run) => {
    assert.deepEqual(await run("/bin/sh", ["-c", "echo out; echo err >&2; exit 3"]), {
      exitCode: 3,
      stdout: "out\n",
      stderr: "err\n",
    });
    const both = await Promise.all([1, 2].map(() => run("/bin/sh", ["-c", "head -c 300000 /dev/zero | tr '\\0' x"])));
    assert.deepEqual(both.map(({ stdout }) => stdout.length), [300_000, 300_000]);
  });
});

Deno.test("a missing program is named in the error", async () => {
  await withCommands(async (run) => {
    await assert.rejects(
      run("/nonexistent/ps", []),
      (thrown) => isTsdError(thrown, "runtime_missing") && thrown.message.startsWith("Cannot run /nonexistent/ps"),
    );
  });
});

Deno.test("a folder or a file that another program has removed isn't taken for a missing program", async () => {
  await withCommands(async (run, dir) => {
    await Deno.remove(dir, { recursive: true });
    assert.equal((await run("/bin/sh", ["-c", "echo out"])).stdout, "out\n");
    assert.equal((await Deno.stat(dir)).mode! & 0o777, 0o710);
  });
  const removing = (options: Parameters<typeof processes.spawn>[0]) => {
    Deno.removeSync(options.stdio.flatMap((each) => "path" in each ? [each.path] : [])[1]!);
    return processes.spawn(options);
  };
  await withCommands(async (run) => {
    await assert.rejects(
      run("/bin/sh", ["-c", "true"]),
      (thrown) =>
        isTsdError(thrown, "runtime_failed") && /^Cannot run \/bin\/sh: \S+\.out was removed$/.test(thrown.message),
    );
  }, { ...processes, spawn: removing });
});
