import { strict as assert } from "node:assert";
import type { ContainerConfig } from "../../api_types/mod.ts";
import { LineLog, SILENT_LOG } from "../../log.ts";
import { HookBus, type Plugin } from "../../plugins/mod.ts";
import { EXITED, fakeContainer, recordedEvents, RUNNING } from "../containers/containers_testing.ts";
import { FakeClock } from "../../async/clock_testing.ts";
import { HealthChecks } from "./health_checks.ts";
import { HEALTH_ON_FAILURE_ANNOTATION } from "../model/health_config.ts";
import type { HealthState } from "./health_monitor.ts";

const CONFIG: ContainerConfig = { Healthcheck: { Test: ["CMD", "probe"], Interval: 1e9, Retries: 2 } };
const onFailure = (action: string) => ({ Annotations: { [HEALTH_ON_FAILURE_ANNOTATION]: action } });

/** Health checks whose probes give these exit codes in turn, the last one for ever. */
function healthChecks(exitCodes: number[], saved = new Map<string, HealthState>()) {
  const clock = new FakeClock();
  const { reported, events } = recordedEvents();
  const acted: string[] = [];
  const lines: string[] = [];
  let probes = 0;
  const act = (action: string) => (id: string) => {
    acted.push(`${action} ${id}`);
    return action === "stop" ? Promise.reject(new Error("can't")) : Promise.resolve();
  };
  const hooked: string[] = [];
  const observer: Plugin = {
    ...{ name: "observer", apiVersion: 1 },
    hooks: {
      "health.changed": ({ before, status, failingStreak }) =>
        void hooked.push(`${before} → ${status} (${failingStreak})`),
    },
  };
  const checks = new HealthChecks({
    clock,
    events,
    hooks: new HookBus([observer], SILENT_LOG),
    log: new LineLog((line) => lines.push(line)),
    store: {
      load: (id) => Promise.resolve(saved.get(id)),
      save: (id, state) => void saved.set(id, state),
      settled: () => Promise.resolve(),
    },
    probeOf: (_container, command) => (_signal, started) => {
      started();
      const exitCode = exitCodes[Math.min(probes++, exitCodes.length - 1)];
      return Promise.resolve({ exitCode, output: command.join(" ") });
    },
    actions: { kill: act("kill"), restart: act("restart"), stop: act("stop") },
  });
  return { clock, checks, reported, hooked, acted, lines, saved, probes: () => probes };
}

Deno.test("health checks: changes are told and kept", async () => {
  const { clock, checks, reported, hooked, acted, saved } = healthChecks([0, 1, 1, 1, 0]);
  const container = fakeContainer(RUNNING, { config: CONFIG });
  assert.equal(checks.stateOf(container), undefined);
  checks.begin(container);
  assert.equal(checks.stateOf(container)?.status, "starting");
  assert.equal(saved.get("c1")?.status, "starting");
  await clock.advance(5000);
  assert.deepEqual(reported, ["health_status: healthy", "health_status: unhealthy", "health_status: healthy"]);
  assert.deepEqual(hooked, ["starting → healthy (0)", "healthy → unhealthy (2)", "unhealthy → healthy (0)"]);
  assert.deepEqual(acted, []);
  assert.equal(saved.get("c1")?.log.length, 5);
  await checks.end(container);
  assert.equal(checks.stateOf(container)?.status, "unhealthy");
  assert.deepEqual([reported.length, clock.nextInMs], [3, undefined]);
  checks.begin(container);
  assert.deepEqual([checks.stateOf(container)?.status, checks.stateOf(container)?.log.length], ["starting", 5]);
  await checks.forget(container);
  assert.equal(checks.stateOf(container), undefined);
});

Deno.test("health checks: without one nothing happens", async () => {
  for (const Healthcheck of [undefined, { Test: ["NONE"] }]) {
    const { clock, checks } = healthChecks([0]);
    const container = fakeContainer(RUNNING, { config: { Healthcheck } });
    checks.begin(container);
    await checks.restore(container);
    await checks.pause(container);
    checks.resume(container);
    await checks.end(container);
    await checks.forget(container);
    assert.deepEqual([checks.stateOf(container), clock.nextInMs], [undefined, undefined]);
  }
});

Deno.test("health checks: what is done to the unhealthy is done once", async () => {
  for (const action of ["none", "kill", "restart", "stop"]) {
    const { clock, checks, acted, lines } = healthChecks([1]);
    checks.begin(fakeContainer(RUNNING, { config: CONFIG, hostConfig: onFailure(action) }));
    await clock.advance(10_000);
    assert.deepEqual(acted, action === "none" ? [] : [`${action} c1`]);
    assert.equal(
      lines.some((line) => /acting on an unhealthy container failed .*error=can't/.test(line)),
      action === "stop",
    );
    await checks[Symbol.asyncDispose]();
    assert.equal(clock.nextInMs, undefined);
  }
});

Deno.test("health checks: a paused container isn't probed and keeps its health", async () => {
  const { clock, checks, probes } = healthChecks([0]);
  const container = fakeContainer(RUNNING, { config: CONFIG });
  checks.begin(container);
  await clock.advance(1000);
  await checks.pause(container);
  await clock.advance(5000);
  assert.deepEqual([probes(), checks.stateOf(container)?.status], [1, "healthy"]);
  checks.resume(container);
  await clock.advance(1000);
  assert.equal(probes(), 2);
  await checks.forget(container);
});

Deno.test("health checks: the next engine goes on where the former was", async () => {
  const saved = new Map<string, HealthState>();
  const first = healthChecks([0], saved);
  const container = fakeContainer(RUNNING, { config: CONFIG });
  first.checks.begin(container);
  await first.clock.advance(1000);
  await first.checks[Symbol.asyncDispose]();
  assert.equal(saved.get("c1")?.status, "healthy");
  const second = healthChecks([1], saved);
  await second.checks.restore(container);
  assert.equal(second.checks.stateOf(container)?.status, "healthy");
  await second.clock.advance(2000);
  assert.deepEqual(second.reported, ["health_status: unhealthy"]);
  await second.checks.end(container);
  // One that has ended has the health of its end; one that is frozen waits.
  const third = healthChecks([0], saved);
  await third.checks.restore(fakeContainer(EXITED, { config: CONFIG }));
  assert.equal(third.checks.stateOf(container)?.status, "unhealthy");
  const frozen = fakeContainer({ ...RUNNING, status: "paused" } as typeof RUNNING, { config: CONFIG });
  await third.checks.restore(frozen);
  assert.equal(third.clock.nextInMs, undefined);
  third.checks.resume(frozen);
  assert.equal(third.clock.nextInMs, 1000);
  await third.checks.forget(frozen);
});
