import { strict as assert } from "node:assert";
import type { HostConfig } from "../../api_types/mod.ts";
import { SILENT_LOG } from "../../log.ts";
import { FakeClock } from "../../async/clock_testing.ts";
import type { Container, ContainerState, RestartHistory } from "../model/container.ts";
import { EXITED, fakeContainer, RUNNING, tableOf } from "./containers_testing.ts";
import { RestartManager } from "./restart_manager.ts";

const FIRST_MS = 1_000_000;
const policy = (Name: string, MaximumRetryCount = 0) =>
  ({ RestartPolicy: { Name, MaximumRetryCount } }) as unknown as HostConfig;

/** One container with a policy, in an engine that has begun unless something else is said. */
function bench(hostConfig: HostConfig, state: ContainerState = RUNNING, restarts?: RestartHistory) {
  const clock = new FakeClock(FIRST_MS);
  const container: Container = fakeContainer(state, { hostConfig });
  if (restarts !== undefined) container.restarts = restarts;
  const started: number[] = [];
  const policies = new RestartManager({
    clock,
    log: SILENT_LOG,
    table: {
      ...tableOf(container),
      list: () => [container],
      stoppedManually: (each) => void (each.restarts = { ...each.restarts, byHand: true }),
    },
    start: () => {
      started.push(clock.now());
      container.state = { ...RUNNING, startedMs: clock.now() } as ContainerState;
      return Promise.resolve();
    },
  });
  const end = (exitCode: number, ranMs = 5) => {
    const now = clock.now();
    policies.ended(container, { startedMs: now - ranMs, finishedMs: now, exitCode, error: "" });
    return container.state.status;
  };
  return { clock, container, policies, started, end };
}

Deno.test("restarts: later and later, until a run was a steady one", async () => {
  const { clock, container, policies, started, end } = bench(policy("always"));
  policies.begin({ engineStart: false });
  const delays: number[] = [];
  for (let n = 0; n < 12; n++) {
    assert.equal(end(n % 2), "restarting");
    delays.push(clock.nextInMs!);
    await clock.advance(clock.nextInMs!);
    assert.equal(started.length, n + 1);
  }
  assert.deepEqual(delays, [100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 51_200, 60_000, 60_000]);
  assert.equal(container.restarts.count, 12);
  end(1, 10_000);
  assert.equal(clock.nextInMs, 100);
  await clock.advance(100);
  // A restart that came to nothing is no run at all, however long the one before it was.
  policies.ended(container, { startedMs: 0, finishedMs: clock.now(), exitCode: 125, error: "no runtime" }, {
    ranMs: 0,
  });
  assert.equal(clock.nextInMs, 200);
});

Deno.test("restarts: on-failure as often as is allowed, and not for success", async () => {
  const { clock, container, policies, end } = bench(policy("on-failure", 2));
  policies.begin({ engineStart: false });
  const states: string[] = [];
  for (let n = 0; n < 3; n++) {
    states.push(end(3));
    await clock.advance(1000);
  }
  assert.deepEqual([states, container.restarts.count], [["restarting", "restarting", "exited"], 2]);
  const other = bench(policy("on-failure"));
  other.policies.begin({ engineStart: false });
  assert.equal(other.end(0), "exited");
  assert.equal(other.clock.nextInMs, undefined);
});

Deno.test("restarts: whoever stops it, before or after its end, is obeyed", async () => {
  for (const name of ["always", "unless-stopped", "on-failure"]) {
    const { clock, container, policies, started, end } = bench(policy(name));
    policies.begin({ engineStart: false });
    assert.equal(policies.cancel(container), false);
    end(1);
    assert.equal(policies.cancel(container), true);
    assert.deepEqual([container.state.status, container.restarts.byHand], ["exited", true]);
    await clock.advance(100_000);
    assert.deepEqual(started, []);
    container.state = RUNNING;
    container.restarts = { count: 0, delayMs: 0, byHand: false };
    policies.stoppedManually(container);
    assert.equal(end(1), "exited");
  }
  // Nothing has to be kept of what has no policy.
  const { container, policies } = bench({});
  policies.stoppedManually(container);
  assert.equal(container.restarts.byHand, false);
});

Deno.test("restarts: what ends while a former engine's containers are taken up waits until that is done", async () => {
  const { clock, policies, started, end } = bench(policy("always"));
  assert.equal(end(1), "restarting");
  assert.equal(clock.nextInMs, undefined);
  await clock.advance(30);
  policies.begin({ engineStart: false });
  assert.equal(clock.nextInMs, 70);
  await clock.advance(70);
  assert.deepEqual(started, [FIRST_MS + 100]);
});

Deno.test("restarts: what is pending outlives an engine, with the rest of its time", async () => {
  const pending = (finishedMs: number) =>
    ({ ...EXITED, status: "restarting", finishedMs, exitCode: 1 }) as ContainerState;
  const history = { count: 5, delayMs: 3200, byHand: false };
  const { clock, container, policies, started } = bench(policy("always"), pending(FIRST_MS - 200), history);
  policies.begin({ engineStart: false });
  assert.equal(clock.nextInMs, 3000);
  await clock.advance(3000);
  assert.deepEqual([started.length, container.restarts.count], [1, 5]);
  for (const [finishedMs, remainingMs] of [[FIRST_MS - 4000, 0], [FIRST_MS + 1e9, 3200]] as const) {
    const late = bench(policy("always"), pending(finishedMs), history);
    late.policies.begin({ engineStart: false });
    assert.equal(late.clock.nextInMs, remainingMs);
    late.policies[Symbol.dispose]();
    assert.deepEqual([late.clock.nextInMs, late.container.state.status], [undefined, "restarting"]);
    assert.equal(late.end(1), "restarting");
    assert.equal(late.clock.nextInMs, undefined);
  }
});

Deno.test("restarts: what an engine's start starts", async () => {
  const failed = { ...EXITED, exitCode: 3 } as ContainerState;
  const created: ContainerState = { status: "created", exitCode: 0, error: "" };
  const byHand = { count: 0, delayMs: 0, byHand: true };
  const cases: [string, ContainerState, RestartHistory | undefined, boolean][] = [
    ["always", EXITED, undefined, true],
    ["always", EXITED, byHand, true],
    ["always", created, undefined, false],
    ["unless-stopped", EXITED, undefined, true],
    ["unless-stopped", failed, byHand, false],
    ["on-failure", failed, undefined, true],
    ["on-failure", failed, byHand, false],
    ["on-failure", EXITED, undefined, false],
    ["no", failed, undefined, false],
  ];
  for (const [name, state, restarts, starts] of cases) {
    const { clock, container, policies, started } = bench(policy(name), state, restarts);
    policies.begin({ engineStart: true });
    await clock.advance(0);
    assert.equal(started.length, starts ? 1 : 0, `${name} ${JSON.stringify(state)}`);
    if (starts) assert.deepEqual(container.restarts, { count: 0, delayMs: 0, byHand: false });
    const again = bench(policy(name), state, restarts);
    again.policies.begin({ engineStart: false });
    assert.equal(again.clock.nextInMs, undefined, "one that comes on demand leaves what is at rest alone");
  }
});
