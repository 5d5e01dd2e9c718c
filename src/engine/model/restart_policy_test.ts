import { strict as assert } from "node:assert";
import fc from "fast-check";
import {
  type CheckedPolicy,
  decideRestart,
  endsManually,
  parseRestartPolicy,
  type RestartSituation,
  shownPolicy,
} from "./restart_policy.ts";

const ALWAYS: CheckedPolicy = { name: "always", maxRetries: 0 };
const UNLESS_STOPPED: CheckedPolicy = { name: "unless-stopped", maxRetries: 0 };
const onFailure = (maxRetries: number): CheckedPolicy => ({ name: "on-failure", maxRetries });

const situation = (more: Partial<RestartSituation>): RestartSituation => ({
  policy: ALWAYS,
  exitCode: 1,
  ranMs: 50,
  restartCount: 0,
  lastDelayMs: 0,
  manuallyStopped: false,
  engineStart: false,
  ...more,
});

const restarts = (more: Partial<RestartSituation>) => decideRestart(situation(more)).restart;

Deno.test("restart policy: valid ones", () => {
  const parsed = (Name: string, MaximumRetryCount?: number) =>
    parseRestartPolicy({ RestartPolicy: { Name, MaximumRetryCount } as never });
  assert.deepEqual(parseRestartPolicy({}), { name: "no", maxRetries: 0 });
  assert.deepEqual(parseRestartPolicy({ RestartPolicy: null, AutoRemove: true }), { name: "no", maxRetries: 0 });
  assert.deepEqual(parsed("", 0), { name: "no", maxRetries: 0 });
  assert.deepEqual(parsed("", 4), { name: "no", maxRetries: 0 });
  assert.deepEqual(parsed("always"), ALWAYS);
  assert.deepEqual(parsed("unless-stopped", 0), UNLESS_STOPPED);
  assert.deepEqual(parsed("on-failure"), onFailure(0));
  assert.deepEqual(parsed("on-failure", 3), onFailure(3));
});

Deno.test("restart policy: invalid ones are refused with Docker's texts", () => {
  const refused = (host: Parameters<typeof parseRestartPolicy>[0]) => {
    try {
      parseRestartPolicy(host);
    } catch (thrown) {
      return (thrown as Error).message;
    }
  };
  const policy = (Name: string, MaximumRetryCount?: number) =>
    refused({ RestartPolicy: { Name, MaximumRetryCount } as never });
  assert.equal(
    policy("foo"),
    "invalid restart policy: unknown policy 'foo'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'",
  );
  const only = "invalid restart policy: maximum retry count can only be used with 'on-failure'";
  assert.equal(policy("always", 2), only);
  assert.equal(policy("no", 2), only);
  assert.equal(policy("unless-stopped", -1), `${only} and cannot be negative`);
  assert.equal(policy("on-failure", -1), "invalid restart policy: maximum retry count cannot be negative");
  for (const Name of ["always", "unless-stopped", "on-failure"] as const) {
    assert.equal(
      refused({ AutoRemove: true, RestartPolicy: { Name } }),
      "can't create 'AutoRemove' container with restart policy",
    );
  }
});

Deno.test("restart policy: as inspect shows it", () => {
  assert.deepEqual(shownPolicy({}), { Name: "no", MaximumRetryCount: 0 });
  assert.deepEqual(shownPolicy({ RestartPolicy: { Name: "" } }), { Name: "no", MaximumRetryCount: 0 });
  const given = { Name: "on-failure", MaximumRetryCount: 3 } as const;
  assert.deepEqual(shownPolicy({ RestartPolicy: given }), given);
});

Deno.test("restart: depends on policy, exit code and manual stops", () => {
  const table: [CheckedPolicy, Partial<RestartSituation>, boolean][] = [
    [{ name: "no", maxRetries: 0 }, { exitCode: 1 }, false],
    [{ name: "no", maxRetries: 0 }, { engineStart: true }, false],
    [ALWAYS, { exitCode: 0 }, true],
    [ALWAYS, { manuallyStopped: true }, false],
    [ALWAYS, { manuallyStopped: true, engineStart: true }, true],
    [UNLESS_STOPPED, { exitCode: 0 }, true],
    [UNLESS_STOPPED, { manuallyStopped: true }, false],
    [UNLESS_STOPPED, { manuallyStopped: true, engineStart: true }, false],
    [UNLESS_STOPPED, { engineStart: true }, true],
    [onFailure(0), { exitCode: 0 }, false],
    [onFailure(0), { exitCode: 255, restartCount: 1000 }, true],
    [onFailure(0), { exitCode: 137, manuallyStopped: true }, false],
    [onFailure(2), { restartCount: 1 }, true],
    [onFailure(2), { restartCount: 2 }, false],
    [onFailure(2), { restartCount: 2, engineStart: true }, false],
    [onFailure(2), { exitCode: 143, manuallyStopped: true, engineStart: true }, false],
  ];
  for (const [policy, more, expected] of table) {
    assert.equal(restarts({ policy, ...more }), expected, JSON.stringify({ policy, more }));
  }
});

Deno.test("restart: the delay doubles up to a minute", () => {
  const delays: number[] = [];
  for (let lastDelayMs = 0; delays.length < 12; lastDelayMs = delays.at(-1)!) {
    const decision = decideRestart(situation({ lastDelayMs, restartCount: delays.length }));
    assert.ok(decision.restart);
    delays.push(decision.afterMs);
  }
  assert.deepEqual(delays, [100, 200, 400, 800, 1600, 3200, 6400, 12800, 25600, 51200, 60000, 60000]);
});

Deno.test("restart: ten seconds of running reset the delay, and an engine's start has none", () => {
  const afterMs = (more: Partial<RestartSituation>) => decideRestart(situation({ lastDelayMs: 6400, ...more }));
  assert.deepEqual(afterMs({ ranMs: 9_999 }), { restart: true, afterMs: 12_800 });
  assert.deepEqual(afterMs({ ranMs: 10_000 }), { restart: true, afterMs: 100 });
  assert.deepEqual(afterMs({ engineStart: true }), { restart: true, afterMs: 0 });
});

Deno.test("restart: the delay is between 100 ms and a minute", () => {
  fc.assert(fc.property(
    fc.record({ ranMs: fc.nat(), lastDelayMs: fc.nat(60_000), restartCount: fc.nat(), exitCode: fc.nat(255) }),
    (info) => {
      const decision = decideRestart(situation(info));
      assert.ok(decision.restart && decision.afterMs >= 100 && decision.afterMs <= 60_000);
    },
  ));
});

Deno.test("restart: signals that count as a manual stop", () => {
  for (const signal of [2, 3, 9, 15]) assert.equal(endsManually(signal, undefined), true, String(signal));
  for (const signal of [1, 10, 12, 18, 28]) assert.equal(endsManually(signal, undefined), false, String(signal));
  assert.equal(endsManually(10, "SIGUSR1"), true);
  assert.equal(endsManually(15, "SIGUSR1"), true);
  assert.equal(endsManually(1, ""), false);
});
