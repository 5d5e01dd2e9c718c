import { strict as assert } from "node:assert";
import "../sys/preopen_testing.ts";
import { AT, cString, Epoll, files, processes, tree } from "../sys/mod.ts";
import { startThroughFifo } from "./exec_fifo.ts";
import { Reaper } from "./reaper.ts";

async function withFifo(body: (path: string, epoll: Epoll) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    await using epoll = new Epoll({
      onHandlerError: (thrown) => {
        throw thrown;
      },
    });
    void epoll.run();
    tree.mkfifoat(AT.FDCWD, cString(`${dir}/exec.fifo`), 0o622);
    await body(`${dir}/exec.fifo`, epoll);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** Starts a shell that waits as runc's init does: opening the FIFO blocks until there is a reader. */
function spawnWaiting(script: string, path: string): number {
  const stdio = [0, 1, 2].map((target) => ({ target, path: "/dev/null", flags: 2 }));
  const argv = ["sh", "-c", script, path];
  return processes.spawn({ path: "/bin/sh", argv, env: { PATH: "/bin:/usr/bin" }, stdio });
}

const exists = (path: string) => Deno.lstat(path).then(() => true, () => false);

Deno.test("a process that waits on the FIFO continues, and the FIFO is removed", () =>
  withFifo(async (path, epoll) => {
    using reaper = new Reaper(processes).start();
    const exited = reaper.spawned(spawnWaiting('printf 0 >"$0" && exit 7', path));
    assert.equal(await startThroughFifo(path, { files, tree, epoll }, { writeMs: 20_000 }), true);
    assert.equal((await exited).exitCode, 7);
    assert.equal(await exists(path), false);
    assert.equal(epoll.size, 0);
  }));

Deno.test("a start succeeds if another program removes the FIFO meanwhile", () =>
  withFifo(async (path, epoll) => {
    using writer = await Deno.open(path, { read: true, write: true });
    await writer.write(new Uint8Array([48]));
    let reads = 0;
    const removing = {
      ...files,
      read: (...args: Parameters<typeof files.read>) => {
        if (++reads > 1) return 0;
        Deno.removeSync(path);
        return files.read(...args);
      },
    };
    assert.equal(await startThroughFifo(path, { files: removing, tree, epoll }, { writeMs: 20_000 }), true);
  }));

Deno.test("startByFifo returns false if no process waits on the FIFO, or if it doesn't exist", () =>
  withFifo(async (path, epoll) => {
    assert.equal(await startThroughFifo(path, { files, tree, epoll }, { writeMs: 50 }), false);
    assert.equal(await exists(path), true);
    assert.equal(await startThroughFifo(`${path}.missing`, { files, tree, epoll }, { writeMs: 50 }), false);
    assert.equal(epoll.size, 0);
  }));

Deno.test("a start completes when the process has closed the FIFO, not when it has written", () =>
  withFifo(async (path, epoll) => {
    using reaper = new Reaper(processes).start();
    // The last descriptor is closed as execve(2) would do.
    const script = 'exec 3>"$0"; printf 0 >&3; until [ -e "$0.go" ]; do sleep 0.01; done; exec 3>&-; exec sleep 60';
    const pid = spawnWaiting(script, path);
    const exited = reaper.spawned(pid);
    const start = startThroughFifo(path, { files, tree, epoll }, { writeMs: 20_000 });
    let isComplete = false;
    void start.then(() => isComplete = true);
    while (await exists(path)) await new Promise((resolve) => setTimeout(resolve, 5));
    assert.equal(isComplete, false);
    await Deno.writeTextFile(`${path}.go`, "");
    assert.equal(await start, true);
    processes.kill(pid, 9);
    await exited;
  }));

Deno.test("a start fails with a timeout if the process never closes the FIFO", () =>
  withFifo(async (path, epoll) => {
    using reaper = new Reaper(processes).start();
    const pid = spawnWaiting('exec 3>"$0"; printf 0 >&3; sleep 60', path);
    const exited = reaper.spawned(pid);
    await assert.rejects(startThroughFifo(path, { files, tree, epoll }, { writeMs: 20_000, execveMs: 50 }), {
      code: "timeout",
      message: "The container's process did not execute its program within 0.05 s",
    });
    assert.equal(epoll.size, 0);
    processes.kill(-pid, 9);
    await exited;
  }));
