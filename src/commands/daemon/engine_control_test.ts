import { strict as assert } from "node:assert";
import { Client } from "../../client/client.ts";
import { FakeEngine } from "../../client/fake_engine_testing.ts";
import { isTsdError, TsdError } from "../../errors.ts";
import { type EngineControl, engineStatus, reloadEngine, stopEngine } from "./engine_control.ts";
import type { EngineProcess, EngineProcesses } from "./engine_process.ts";

const NOW_MS = Date.UTC(2026, 10, 24, 12);
const ENGINE: EngineProcess = { pid: 4711, startTicks: 9n, startedMs: NOW_MS - 7_200_000, origin: "client" };
const INFO = {
  ServerVersion: "9.9",
  DockerRootDir: "/var/lib/tsd",
  Containers: 5,
  ContainersRunning: 3,
  ContainersPaused: 1,
};

/** Creates a control whose engine exits or re-executes itself `afterMs` after the signal. */
function control({ found = ENGINE, afterMs = 100, info, ...more }: {
  found?: EngineProcess | null;
  afterMs?: number;
  info?: () => unknown;
} & Partial<EngineProcesses> = {}) {
  let nowMs = NOW_MS;
  let signalledMs = Infinity;
  const signals: string[] = [];
  const isOver = () => nowMs >= signalledMs + afterMs;
  const it: EngineControl = {
    socket: "/run/tsd/tsd.sock",
    isDefault: true,
    engine: new Client(new FakeEngine(() => ({ json: (info ?? (() => INFO))() }))),
    now: () => nowMs,
    pause: (ms) => {
      nowMs += ms;
      return Promise.resolve();
    },
    processes: {
      find: () => Promise.resolve(found ?? undefined),
      signal: ({ pid }, signal) => {
        signals.push(`${signal} ${pid}`);
        signalledMs = nowMs;
        return Promise.resolve();
      },
      hasEnded: () => signals[0] === "SIGTERM 4711" && isOver(),
      catchesHangup: () => Promise.resolve(true),
      incarnation: () => Promise.resolve(isOver() ? "second" : "first"),
      ...more,
    },
  };
  return { it, signals, passedMs: () => nowMs - NOW_MS };
}

const silent = () => {
  throw new TsdError("timeout", "no answer");
};

Deno.test("daemon status: prints the process, its start time and what started it", async () => {
  assert.deepEqual(await engineStatus(control().it), {
    code: 0,
    text: `tsd is running
  Process:    4711, started by a client, on demand
  Since:      2026-11-24T10:00:00Z (2 hours ago)
  Socket:     unix:///run/tsd/tsd.sock
  Version:    9.9
  Data root:  /var/lib/tsd
  Containers: 5 (3 running, 1 paused)
`,
  });
  const service = await engineStatus(control({ found: { ...ENGINE, origin: "service" } }).it);
  assert.match(service.text, /Process: {4}4711, started by systemd \(tsd\.service\)\n/);
});

Deno.test("daemon status: reports an engine that isn't running or doesn't respond", async () => {
  assert.deepEqual(await engineStatus(control({ found: null }).it), {
    code: 3,
    text: "tsd is not running (nobody listens at /run/tsd/tsd.sock; the first command that needs it starts it)\n",
  });
  const other = { ...control({ found: null }).it, isDefault: false, socket: "/s" };
  assert.deepEqual(await engineStatus(other), { code: 3, text: "tsd is not running (nobody listens at /s)\n" });
  const { text, code } = await engineStatus(control({ info: silent }).it);
  assert.equal(code, 1);
  assert.match(text, /^tsd runs, but has not answered in 3 s\n {2}Process: {4}4711/);
  const broken = control({
    info: () => {
      throw new TsdError("internal", "boom");
    },
  });
  await assert.rejects(engineStatus(broken.it), /boom/);
});

Deno.test("daemon stop: waits until the engine has exited, or reports a timeout", async () => {
  const { it, signals, passedMs } = control({ afterMs: 500 });
  assert.deepEqual(await stopEngine(it, 1000), {
    code: 0,
    text: "Stopped the engine (process 4711); containers run on\n",
  });
  assert.deepEqual([signals, passedMs()], [["SIGTERM 4711"], 500]);
  assert.deepEqual(await stopEngine(control({ found: null }).it, 1000), { code: 0, text: "tsd is not running\n" });
  await assert.rejects(stopEngine(control({ afterMs: 5000 }).it, 2000), (thrown) => {
    assert.ok(isTsdError(thrown, "timeout"));
    return thrown.message === "After 2 s the engine (process 4711) has not ended";
  });
});

Deno.test("daemon reload: waits until the engine has re-executed itself and responds", async () => {
  let answers = 0;
  const { it, signals, passedMs } = control({ afterMs: 300, info: () => ++answers > 2 ? INFO : silent() });
  assert.deepEqual(await reloadEngine(it), { code: 0, text: "Reloaded the engine (process 4711)\n" });
  assert.deepEqual([signals, passedMs(), answers], [["SIGHUP 4711"], 320, 3]);
});

Deno.test("daemon reload: fails if there is no engine, or it doesn't handle SIGHUP, exits, or doesn't re-execute itself", async () => {
  const refused = async (made: ReturnType<typeof control>) => {
    try {
      await reloadEngine(made.it);
    } catch (thrown) {
      return [(thrown as TsdError).message, made.signals];
    }
  };
  assert.deepEqual(await refused(control({ found: null })), [
    "Cannot reload the engine: nobody listens at /run/tsd/tsd.sock",
    [],
  ]);
  assert.deepEqual(await refused(control({ catchesHangup: () => Promise.resolve(false) })), [
    "Cannot reload the engine: process 4711 is just starting, or too old for it",
    [],
  ]);
  assert.deepEqual(await refused(control({ hasEnded: () => true })), [
    "The engine (process 4711) ended instead of reloading; see its log",
    ["SIGHUP 4711"],
  ]);
  assert.deepEqual(await refused(control({ afterMs: 60_000 })), [
    "After 30 s the engine (process 4711) has not executed itself anew",
    ["SIGHUP 4711"],
  ]);
  assert.deepEqual(await refused(control({ info: silent })), [
    "After 30 s the engine (process 4711) does not answer yet",
    ["SIGHUP 4711"],
  ]);
});
