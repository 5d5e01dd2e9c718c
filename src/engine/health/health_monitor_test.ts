import { strict as assert } from "node:assert";
import { FakeClock, settle } from "../../async/clock_testing.ts";
import { freshHealth, HealthMonitor, type HealthState } from "./health_monitor.ts";
import { LimitedOutput, MAX_OUTPUT_BYTES, type Probe } from "./probe.ts";
import type { HealthPlan } from "../model/health_config.ts";

const PLAN: HealthPlan = {
  command: ["probe"],
  intervalMs: 1000,
  timeoutMs: 500,
  startPeriodMs: 0,
  startIntervalMs: 100,
  retries: 3,
};

/** A monitor whose probes end with these exit codes at once, the last one for ever. */
function watch(exitCodes: readonly number[], plan: Partial<HealthPlan> = {}, state = freshHealth()) {
  let probes = 0;
  const probe: Probe = (_signal, started) => {
    started();
    const exitCode = exitCodes[Math.min(probes++, exitCodes.length - 1)];
    return Promise.resolve({ exitCode, output: `probe ${probes}` });
  };
  return { ...watchProbe(probe, plan, state), probes: () => probes };
}

function watchProbe(probe: Probe, plan: Partial<HealthPlan> = {}, state = freshHealth()) {
  const clock = new FakeClock(1_000_000);
  const changes: string[] = [];
  const monitor = new HealthMonitor({
    plan: { ...PLAN, ...plan },
    probe,
    clock,
    startedMs: clock.now(),
    state,
    onResult: (now, before) => {
      if (now.status !== before.status) changes.push(`${clock.now() - 1_000_000} ${before.status} -> ${now.status}`);
    },
  });
  monitor.resume();
  return { clock, monitor, changes };
}

Deno.test("health: the first probe comes after an interval, one success is healthy", async () => {
  const { clock, monitor, changes, probes } = watch([0]);
  await clock.advance(999);
  assert.deepEqual([probes(), monitor.state], [0, { status: "starting", failingStreak: 0, log: [] }]);
  await clock.advance(1);
  assert.deepEqual(changes, ["1000 starting -> healthy"]);
  assert.deepEqual(monitor.state.log, [{ startMs: 1_001_000, endMs: 1_001_000, exitCode: 0, output: "probe 1" }]);
  await clock.advance(10_000);
  assert.deepEqual([probes(), changes.length, monitor.state.log.length], [11, 1, 5]);
  assert.deepEqual(monitor.state.log.map(({ output }) => output), [7, 8, 9, 10, 11].map((n) => `probe ${n}`));
  await monitor.pause();
  assert.equal(clock.nextInMs, undefined);
});

Deno.test("health: so many failures in a row are unhealthy, a success heals", async () => {
  const { clock, monitor, changes } = watch([1, 1, 0, 2, 1, 127, 1, 0]);
  await clock.advance(2000);
  assert.deepEqual([monitor.state.status, monitor.state.failingStreak], ["starting", 2]);
  await clock.advance(6000);
  assert.deepEqual(changes, ["3000 starting -> healthy", "6000 healthy -> unhealthy", "8000 unhealthy -> healthy"]);
  assert.equal(monitor.state.failingStreak, 0);
  await monitor.pause();
});

Deno.test("health: in the start period failures don't count, probes come more often, a success ends it", async () => {
  const { clock, monitor, changes, probes } = watch([1, 1, 1, 1, 0, 1], { startPeriodMs: 2000 });
  await clock.advance(400);
  assert.deepEqual([probes(), monitor.state.status, monitor.state.failingStreak], [4, "starting", 0]);
  await clock.advance(100);
  assert.deepEqual([probes(), changes], [5, ["500 starting -> healthy"]]);
  // From here on failures count, though the period isn't over, and the interval is the ordinary one.
  await clock.advance(999);
  assert.equal(probes(), 5);
  await clock.advance(1);
  assert.deepEqual([probes(), monitor.state.failingStreak], [6, 1]);
  await monitor.pause();
});

Deno.test("health: after the start period failures count", async () => {
  const { clock, monitor, changes } = watch([1], { startPeriodMs: 250, retries: 2 });
  await clock.advance(5000);
  // Probes at 100 and 200 don't count; that at 300 was planned in the period and ends after it.
  assert.deepEqual(changes, ["1300 starting -> unhealthy"]);
  await monitor.pause();
});

Deno.test("health: a probe that takes too long is killed; only its command's time counts", async () => {
  const log: string[] = [];
  const probe: Probe = (signal, started) =>
    new Promise((resolve) => {
      clock.after(2000, () => {
        log.push("started");
        started();
      });
      signal.addEventListener("abort", () => {
        log.push(`killed at ${clock.now() - 1_000_000}`);
        clock.after(50, () => resolve({ exitCode: 137, output: "was busy" }));
      });
    });
  const { clock, monitor } = watchProbe(probe);
  await clock.advance(3499);
  assert.deepEqual(log, ["started"]);
  await clock.advance(1);
  assert.deepEqual(log, ["started", "killed at 3500"]);
  assert.deepEqual(monitor.state.log, []);
  await clock.advance(50);
  assert.deepEqual(monitor.state.log, [{
    startMs: 1_001_000,
    endMs: 1_003_550,
    exitCode: -1,
    output: "Health check exceeded timeout (500ms): was busy",
  }]);
  assert.equal(monitor.state.failingStreak, 1);
  await clock.advance(999);
  assert.equal(log.length, 2);
  await monitor.pause();
});

Deno.test("health: a probe that never starts, one that says nothing, one that can't be run", async () => {
  const hangs: Probe = (signal) =>
    new Promise((resolve) => signal.addEventListener("abort", () => resolve({ exitCode: 0, output: "" })));
  const stuck = watchProbe(hangs);
  await stuck.clock.advance(31_000);
  assert.deepEqual(stuck.monitor.state.log.map(({ exitCode, output }) => [exitCode, output]), [
    [-1, "timed out starting health check"],
  ]);
  await stuck.monitor.pause();
  const silent = watchProbe((signal, started) => (started(), hangs(signal, started)), { timeoutMs: 90_000 });
  await silent.clock.advance(91_000);
  assert.deepEqual(silent.monitor.state.log[0].output, "Health check exceeded timeout (1m30s)");
  await silent.monitor.pause();
  const broken = watchProbe(() => Promise.reject(new Error("no runtime")), { retries: 1 });
  await broken.clock.advance(1000);
  assert.deepEqual(broken.changes, ["1000 starting -> unhealthy"]);
  assert.deepEqual([broken.monitor.state.log[0].exitCode, broken.monitor.state.log[0].output], [-1, "no runtime"]);
  await broken.monitor.pause();
});

Deno.test("health: a pause kills the probe under way, whose result doesn't count, and waits for it", async () => {
  let end = () => {};
  let killed = false;
  const probe: Probe = (signal, started) => {
    started();
    signal.addEventListener("abort", () => killed = true);
    return new Promise((resolve) => end = () => resolve({ exitCode: 1, output: "" }));
  };
  const { clock, monitor } = watchProbe(probe, { retries: 1 });
  await clock.advance(1200);
  let isPaused = false;
  const pausing = monitor.pause().then(() => isPaused = true);
  await settle();
  assert.deepEqual([killed, isPaused], [true, false]);
  end();
  await pausing;
  assert.deepEqual(monitor.state, freshHealth());
  await clock.advance(10_000);
  monitor.resume();
  monitor.resume();
  assert.equal(clock.nextInMs, 1000);
  await monitor.pause();
  await monitor.pause();
  assert.equal(clock.nextInMs, undefined);
});

Deno.test("health: a monitor goes on from the health that a former engine left", async () => {
  const former: HealthState = { status: "healthy", failingStreak: 2, log: [] };
  const { clock, monitor, changes } = watch([1], { startPeriodMs: 60_000 }, former);
  await clock.advance(1000);
  assert.deepEqual(changes, ["1000 healthy -> unhealthy"]);
  assert.deepEqual(freshHealth(monitor.state), { status: "starting", failingStreak: 0, log: monitor.state.log });
  await monitor.pause();
});

Deno.test("health: of an output the first 4096 bytes are kept", () => {
  const output = new LimitedOutput();
  output.write(new TextEncoder().encode("a".repeat(4000)));
  output.write(new TextEncoder().encode("b".repeat(96)));
  assert.equal(output.text, "a".repeat(4000) + "b".repeat(96));
  assert.equal(output.text.length, MAX_OUTPUT_BYTES);
  output.write(new Uint8Array([99]));
  output.write(new Uint8Array([]));
  assert.equal(output.text, "a".repeat(4000) + "b".repeat(96) + "...");
  const binary = new LimitedOutput();
  binary.write(new Uint8Array([0x68, 0xff, 0x69]));
  assert.equal(binary.text, "h\ufffdi");
});
