import { strict as assert } from "node:assert";
import "../../../tests/requires.ts";
import { isTsdError } from "../../errors.ts";
import * as sys from "../../sys/mod.ts";
import { HostEngineProcesses } from "./engine_process.ts";

/** A program that listens at a socket. It keeps the lock file open, if given; with "catch" it handles SIGHUP. */
const FAKE = `
const [socket, lock, hangup] = Deno.args;
const listener = Deno.listen({ transport: "unix", path: socket });
if (lock !== "") Deno.openSync(lock, { write: true, create: true });
if (hangup === "catch") Deno.addSignalListener("SIGHUP", () => {});
console.log("ready");
for await (const connection of listener) connection.close();
`;

async function fake(dir: string, { lock = "", hangup = "" }: { lock?: string; hangup?: string } = {}) {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "-A", "-", `${dir}/sock`, lock, hangup],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(FAKE));
  await writer.close();
  const reader = child.stdout.getReader();
  await reader.read();
  await reader.cancel();
  return {
    pid: child.pid,
    status: child.status,
    async [Symbol.asyncDispose]() {
      try {
        child.kill("SIGKILL");
      } catch (thrown) {
        if (!(thrown instanceof TypeError)) throw thrown; // It has exited.
      }
      await child.status;
    },
  };
}

async function inDir(run: (dir: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    await run(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("engine process: is found by its socket and signalled, and its exit is detected", () =>
  inDir(async (dir) => {
    const processes = new HostEngineProcesses(sys, (path) => path === `${dir}/lock`);
    assert.equal(await processes.find(`${dir}/sock`), undefined);
    const beforeMs = Date.now();
    await using child = await fake(dir, { lock: `${dir}/lock` });
    const found = await processes.find(`${dir}/sock`);
    assert.ok(found !== undefined);
    assert.deepEqual([found.pid, found.origin], [child.pid, "hand"]);
    assert.ok(Math.abs(found.startedMs - beforeMs) < 5000, String(found.startedMs - beforeMs));
    assert.deepEqual([processes.hasEnded(found), await processes.catchesHangup(found)], [false, false]);
    await processes.signal(found, "SIGTERM");
    assert.equal((await child.status).signal, "SIGTERM");
    assert.equal(processes.hasEnded(found), true);
    // No other process is signalled, not even one with the same pid.
    await processes.signal(found, "SIGTERM");
    await processes.signal({ ...found, pid: Deno.pid }, "SIGTERM");
    // The socket file still exists, but no process listens.
    assert.equal(await processes.find(`${dir}/sock`), undefined);
  }));

Deno.test("engine process: only a process that holds an engine's lock is signalled", () =>
  inDir(async (dir) => {
    const processes = new HostEngineProcesses(sys);
    await using child = await fake(dir, { lock: `${dir}/lock`, hangup: "catch" });
    const found = await processes.find(`${dir}/sock`);
    assert.ok(found !== undefined);
    assert.equal(await processes.catchesHangup(found), true);
    await assert.rejects(processes.signal(found, "SIGTERM"), (thrown) => {
      return isTsdError(thrown, "conflict") &&
        thrown.message === `Process ${child.pid}, which answers there, is no tsd engine`;
    });
    assert.equal(processes.hasEnded(found), false);
  }));

Deno.test("engine process: a re-execution is detected", async () => {
  const child = new Deno.Command("sh", {
    args: ["-c", "read go; exec sleep 1000"],
    stdin: "piped",
    stdout: "null",
  }).spawn();
  const writer = child.stdin.getWriter();
  try {
    const processes = new HostEngineProcesses(sys);
    const engine = {
      pid: child.pid,
      startTicks: sys.processStartTime(child.pid)!,
      startedMs: 0,
      origin: "hand" as const,
    };
    const before = await processes.incarnation(engine);
    assert.equal(await processes.incarnation(engine), before);
    await writer.write(new TextEncoder().encode("go\n"));
    for (const deadline = Date.now() + 5000; await processes.incarnation(engine) === before;) {
      assert.ok(Date.now() < deadline);
    }
    assert.equal(processes.hasEnded(engine), false);
  } finally {
    child.kill("SIGKILL");
    await child.status;
    await writer.close().catch((thrown) => assert.ok(thrown instanceof Deno.errors.BrokenPipe));
  }
});
