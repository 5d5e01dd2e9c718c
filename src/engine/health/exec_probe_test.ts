import { strict as assert } from "node:assert";
import type { ExecCreateRequest } from "../../api_types/mod.ts";
import { SysError } from "../../sys/mod.ts";
import { execProbe } from "./exec_probe.ts";

/** An exec service whose commands end when they are told to or killed. */
function fakeExecs({ leadsGroup = true } = {}) {
  const requests: [string, ExecCreateRequest][] = [];
  const killed: number[] = [];
  const exit = Promise.withResolvers<number>();
  let write: (bytes: Uint8Array) => void = () => {};
  let isRunning = true;
  const end = (exitCode: number) => {
    isRunning = false;
    exit.resolve(exitCode);
  };
  const deps = {
    execs: {
      run: (id: string, request: ExecCreateRequest, output: (bytes: Uint8Array) => void) => {
        requests.push([id, request]);
        write = output;
        return Promise.resolve({ pid: 77, isRunning: () => isRunning, exitCode: exit.promise });
      },
    },
    processes: {
      kill: (pid: number) => {
        if (pid < 0 && !leadsGroup) throw SysError.named("kill", "ESRCH");
        killed.push(pid);
        end(137);
      },
    },
  };
  return { deps, requests, killed, end, say: (text: string) => write(new TextEncoder().encode(text)) };
}

Deno.test("exec probe: runs the command without input, and gives its code and output", async () => {
  const { deps, requests, killed, end, say } = fakeExecs();
  const abort = new AbortController();
  const started = Promise.withResolvers<void>();
  const result = execProbe(deps, "c1", ["sh", "-c", "x"])(abort.signal, started.resolve);
  await started.promise;
  say("hal");
  say("lo\n");
  end(3);
  assert.deepEqual(await result, { exitCode: 3, output: "hallo\n" });
  assert.deepEqual(requests, [["c1", { Cmd: ["sh", "-c", "x"], AttachStdout: true, AttachStderr: true }]]);
  // What comes too late reaches nobody.
  abort.abort();
  assert.deepEqual(killed, []);
});

Deno.test("exec probe: when called off, the command's whole group is killed, and its output kept", async () => {
  for (const leadsGroup of [true, false]) {
    const { deps, killed, say } = fakeExecs({ leadsGroup });
    const abort = new AbortController();
    const result = execProbe(deps, "c1", ["x"])(abort.signal, () => {
      say("busy");
      queueMicrotask(() => abort.abort());
    });
    assert.deepEqual(await result, { exitCode: 137, output: "busy" });
    assert.deepEqual(killed, [leadsGroup ? -77 : 77]);
  }
});

Deno.test("exec probe: called off while it was being started; one that has ended gets no signal", async () => {
  const early = fakeExecs();
  await execProbe(early.deps, "c1", ["x"])(AbortSignal.abort(), () => {});
  assert.deepEqual(early.killed, [-77]);
  const late = fakeExecs();
  const abort = new AbortController();
  const result = execProbe(late.deps, "c1", ["x"])(abort.signal, () => {
    late.end(0);
    abort.abort();
  });
  assert.equal((await result).exitCode, 0);
  assert.deepEqual(late.killed, []);
});

Deno.test("exec probe: a command that can't be started", async () => {
  const probe = execProbe(
    { execs: { run: () => Promise.reject(new Error("nope")) }, processes: { kill: () => assert.fail("no pid") } },
    "c1",
    ["x"],
  );
  await assert.rejects(probe(new AbortController().signal, () => assert.fail("not started")), /nope/);
});
