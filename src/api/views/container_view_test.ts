import { strict as assert } from "node:assert";
import { EXITED, fakeContainer, RUNNING } from "../../engine/containers/containers_testing.ts";
import { enginePaths } from "../../engine/paths.ts";
import type { HealthState } from "../../engine/health/health_monitor.ts";
import { containerFilter } from "./container_filters.ts";
import { commandText, inspectContainer, statusText, summariseContainer } from "./container_view.ts";

const NO_NETWORK = { sandbox: undefined, endpoints: [] };
const HEALTH: HealthState = {
  status: "unhealthy",
  failingStreak: 3,
  log: [{ startMs: 0, endMs: 1500, exitCode: 1, output: "no\n" }],
};

Deno.test("a command is shown with quotes around arguments that contain a space", () => {
  assert.equal(commandText(["sh", "-c", "echo hi", "plain"]), "sh -c 'echo hi' plain");
  assert.equal(commandText(["/my program", "it's fine"]), "/my program 'it's fine'");
  assert.equal(commandText([]), "");
});

Deno.test("the status text of a running container has its health", () => {
  const up = (health?: HealthState["status"]) => statusText(RUNNING, 120_000, health);
  assert.equal(up(), "Up 2 minutes");
  assert.equal(up("starting"), "Up 2 minutes (health: starting)");
  assert.equal(up("healthy"), "Up 2 minutes (healthy)");
  assert.equal(up("unhealthy"), "Up 2 minutes (unhealthy)");
  assert.equal(statusText(EXITED, 120_001, "unhealthy"), "Exited (0) 2 minutes ago");
  const paused = { ...RUNNING, status: "paused" } as typeof RUNNING;
  assert.equal(statusText(paused, 120_000, "healthy"), "Up 2 minutes (Paused)");
  assert.equal(summariseContainer(fakeContainer(), 1000, NO_NETWORK, HEALTH).Status, "Up 1 second (unhealthy)");
});

Deno.test("inspect shows a health and a restart policy as Docker does", async () => {
  const context = { paths: await enginePaths("/d"), driver: "overlay2", execIds: [], network: NO_NETWORK };
  const plain = inspectContainer(fakeContainer(), context);
  assert.equal("Health" in plain.State, false);
  assert.deepEqual(plain.HostConfig.RestartPolicy, { Name: "no", MaximumRetryCount: 0 });
  const RestartPolicy = { Name: "on-failure", MaximumRetryCount: 4 } as const;
  const { State, HostConfig } = inspectContainer(fakeContainer(RUNNING, { hostConfig: { RestartPolicy } }), {
    ...context,
    health: HEALTH,
  });
  assert.deepEqual(HostConfig.RestartPolicy, RestartPolicy);
  assert.deepEqual(State.Health, {
    Status: "unhealthy",
    FailingStreak: 3,
    Log: [{
      Start: "1970-01-01T00:00:00.000000000Z",
      End: "1970-01-01T00:00:01.500000000Z",
      ExitCode: 1,
      Output: "no\n",
    }],
  });
});

Deno.test("the filter health", () => {
  const context = {
    find: () => assert.fail("no name was given"),
    imageId: () => undefined,
  };
  const passes = (value: string, health?: HealthState) =>
    containerFilter(new Map([["health", [value]]]), { ...context, health: () => health })(fakeContainer());
  assert.equal(passes("unhealthy", HEALTH), true);
  assert.equal(passes("healthy", HEALTH), false);
  assert.equal(passes("none", HEALTH), false);
  assert.equal(passes("none"), true);
  assert.equal(containerFilter(new Map([["health", ["none"]]]), context)(fakeContainer()), true);
  assert.throws(() => passes("fine"), /invalid filter 'health=fine'/);
});
