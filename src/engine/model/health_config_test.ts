import { strict as assert } from "node:assert";
import type { HealthConfig } from "../../api_types/mod.ts";
import type { Healthcheck } from "../../image/config.ts";
import {
  checkHealthAction,
  checkHealthcheck,
  HEALTH_ON_FAILURE_ANNOTATION,
  healthAction,
  healthPlan,
  mergeHealthcheck,
} from "./health_config.ts";

const SECOND = 1e9;
const NOTHING: Healthcheck = {
  test: [],
  intervalNs: 0,
  timeoutNs: 0,
  startPeriodNs: 0,
  startIntervalNs: 0,
  retries: 0,
};
const IMAGE: Healthcheck = { ...NOTHING, test: ["CMD-SHELL", "true"], intervalNs: 5 * SECOND, retries: 7 };

function message(run: () => unknown): string | undefined {
  try {
    run();
  } catch (thrown) {
    return (thrown as Error).message;
  }
}

Deno.test("health check: the request overrides the image, field by field", () => {
  assert.equal(mergeHealthcheck(undefined, undefined), undefined);
  assert.equal(mergeHealthcheck(undefined, null), undefined);
  const own: HealthConfig = { Test: ["CMD", "x"], Timeout: SECOND };
  assert.deepEqual(mergeHealthcheck(undefined, own), own);
  assert.deepEqual(mergeHealthcheck(IMAGE, undefined), {
    Test: ["CMD-SHELL", "true"],
    Interval: 5 * SECOND,
    Retries: 7,
  });
  assert.deepEqual(mergeHealthcheck(IMAGE, { Test: [], Interval: 0, Timeout: SECOND, Retries: 2 }), {
    Test: ["CMD-SHELL", "true"],
    Interval: 5 * SECOND,
    Timeout: SECOND,
    Retries: 2,
  });
  assert.deepEqual(mergeHealthcheck(IMAGE, { Test: ["NONE"] })?.Test, ["NONE"]);
});

Deno.test("health check: Docker's defaults and the command", () => {
  const plan = (Healthcheck: HealthConfig, Shell?: string[]) =>
    healthPlan({ Healthcheck, ...(Shell === undefined ? {} : { Shell }) });
  assert.deepEqual(plan({ Test: ["CMD", "/probe", "-a b"] }), {
    command: ["/probe", "-a b"],
    intervalMs: 30_000,
    timeoutMs: 30_000,
    startPeriodMs: 0,
    startIntervalMs: 5_000,
    retries: 3,
  });
  assert.deepEqual(plan({ Test: ["CMD-SHELL", "exit 1"] })?.command, ["/bin/sh", "-c", "exit 1"]);
  assert.deepEqual(plan({ Test: ["CMD-SHELL", "exit 1"] }, ["/bin/bash", "-ec"])?.command, [
    "/bin/bash",
    "-ec",
    "exit 1",
  ]);
  const given = plan({
    Test: ["CMD", "x"],
    Interval: 1.5 * SECOND,
    Timeout: 2 * SECOND,
    StartPeriod: 3 * SECOND,
    StartInterval: 1e6,
    Retries: 1,
  });
  assert.deepEqual(given, {
    command: ["x"],
    intervalMs: 1500,
    timeoutMs: 2000,
    startPeriodMs: 3000,
    startIntervalMs: 1,
    retries: 1,
  });
  // An image's configuration is not validated.
  assert.equal(plan({ Test: ["CMD", "x"], Interval: 1, Retries: -4 })?.intervalMs, 1);
  assert.equal(plan({ Test: ["CMD", "x"], Interval: -1, Retries: -4 })?.intervalMs, 30_000);
  for (const Test of [[], ["NONE"], ["NONE", "x"], ["CMD"], ["CMD-SHELL"], ["EXEC", "x"]]) {
    assert.equal(plan({ Test }), undefined, Test.join(" "));
  }
  assert.equal(healthPlan({}), undefined);
});

Deno.test("health check: invalid values are refused with Docker's texts", () => {
  const refused = (own: HealthConfig | null | undefined) => message(() => checkHealthcheck(own));
  for (const name of ["Interval", "Timeout", "StartPeriod", "StartInterval"]) {
    assert.equal(refused({ [name]: 999_999 }), `${name} in Healthcheck cannot be less than 1ms`);
    assert.equal(refused({ [name]: -SECOND }), `${name} in Healthcheck cannot be less than 1ms`);
    assert.equal(refused({ [name]: 1e6 }), undefined);
  }
  assert.equal(refused({ Retries: -1 }), "Retries in Healthcheck cannot be negative");
  assert.match(refused({ Test: ["EXEC", "x"] })!, /Unknown healthcheck type 'EXEC'/);
  assert.match(refused({ Test: ["CMD"] })!, /no command after CMD/);
  for (const own of [null, undefined, {}, { Test: [] }, { Test: ["NONE"] }, { Test: ["CMD-SHELL", "x"], Retries: 0 }]) {
    assert.equal(refused(own), undefined);
  }
});

Deno.test("health check: the action for unhealthy containers", () => {
  const host = (value: string) => ({ Annotations: { [HEALTH_ON_FAILURE_ANNOTATION]: value } });
  const probed = { Healthcheck: { Test: ["CMD", "x"] } };
  assert.equal(healthAction({}), "none");
  assert.equal(healthAction(host("restart")), "restart");
  assert.equal(healthAction(host("explode")), "none");
  for (const action of ["none", "kill", "restart", "stop"]) {
    assert.equal(message(() => checkHealthAction(probed, host(action))), undefined);
  }
  assert.equal(
    message(() => checkHealthAction(probed, host("explode"))),
    "invalid io.tsd.health-on-failure: unknown action 'explode'; use one of 'none', 'kill', 'restart', or 'stop'",
  );
  assert.equal(message(() => checkHealthAction({}, host("none"))), undefined);
  assert.equal(
    message(() => checkHealthAction({ Healthcheck: { Test: ["NONE"] } }, host("kill"))),
    "cannot set on-failure action to kill without a health check",
  );
});
