import { strict as assert } from "node:assert";
import type { HostConfig, RestartPolicy } from "../../api/wire/mod.ts";
import { TsdError } from "../../errors.ts";
import type { OciLimits } from "../../runtime/spec/mod.ts";
import { HOST } from "../../runtime/spec/spec_fixture.ts";
import { KeyedLock } from "../keyed_lock.ts";
import type { Container, ContainerState } from "./container.ts";
import { EXITED, fakeContainer, recordedEvents, RUNNING, runtimesOf, tableOf } from "./fake.ts";
import type { ChangedLimits } from "./update_request.ts";
import { ContainerUpdater } from "./updater.ts";

const MIB = 1 << 20;

function bench(hostConfig: HostConfig, state: ContainerState = RUNNING) {
  const container = fakeContainer(state, { hostConfig });
  const { told, events } = recordedEvents();
  const made = { container, told, said: [] as OciLimits[], fails: false };
  const update = (_: string, resources: OciLimits) => {
    if (made.fails) return Promise.reject(new TsdError("runtime_failed", "no"));
    return Promise.resolve(void made.said.push(resources));
  };
  const table = {
    ...tableOf(container),
    setHostConfig: (given: Container, host: HostConfig) => {
      given.record = { ...given.record, hostConfig: host };
    },
  };
  const runtimes = runtimesOf({ update });
  const updater = new ContainerUpdater({ table, locks: new KeyedLock(), runtimes, events, facts: HOST });
  const change = (limits: ChangedLimits, restartPolicy?: RestartPolicy) =>
    updater.update("web", { limits, restartPolicy });
  return Object.assign(made, { change });
}

Deno.test("update: a running container is told what changes, and what belongs to that", async () => {
  const { change, said, told, container } = bench({ Memory: 64 * MIB, MemorySwap: 128 * MIB, CpuPeriod: 50_000 });
  assert.deepEqual(await change({ MemorySwap: 96 * MIB }), { Warnings: [] });
  await change({ CpuQuota: 20_000 });
  await change({ PidsLimit: 0, BlkioWeight: 50, CpuShares: 5, CpusetCpus: "0-1" });
  await change({ MemorySwap: -1 });
  assert.deepEqual(said, [
    { memory: { limit: 64 * MIB, swap: 96 * MIB } },
    { cpu: { quota: 20_000, period: 50_000 } },
    { cpu: { shares: 5, cpus: "0-1" }, pids: { limit: -1 }, blockIO: { weight: 50 } },
    { memory: { limit: 64 * MIB, swap: -1 } },
  ]);
  assert.deepEqual(container.record.hostConfig, {
    Memory: 64 * MIB,
    MemorySwap: -1,
    CpuPeriod: 50_000,
    CpuQuota: 20_000,
    PidsLimit: 0,
    BlkioWeight: 50,
    CpuShares: 5,
    CpusetCpus: "0-1",
  });
  assert.deepEqual(told, ["update", "update", "update", "update"]);
});

Deno.test("update: one that doesn't run is told at its next start, one without new limits not at all", async () => {
  const stopped = bench({}, EXITED);
  await stopped.change({ CpuShares: 7 });
  assert.deepEqual([stopped.said, stopped.container.record.hostConfig], [[], { CpuShares: 7 }]);
  const running = bench({});
  await running.change({}, { Name: "always" });
  assert.deepEqual([running.said, running.container.record.hostConfig], [[], { RestartPolicy: { Name: "always" } }]);
  assert.deepEqual(running.told, ["update"]);
});

Deno.test("update: what contradicts the container is refused in Docker's words, and nothing has changed", async () => {
  const swap =
    "Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time";
  const policy = "Restart policy cannot be updated because AutoRemove is enabled for the container";
  const options = (what: string) => `Conflicting options: ${what}`;
  const cases: readonly (readonly [HostConfig, ChangedLimits, RestartPolicy | undefined, string])[] = [
    [{ Memory: 64 * MIB, MemorySwap: 64 * MIB }, { Memory: 128 * MIB }, undefined, swap],
    [{}, { Memory: 64 * MIB }, undefined, swap],
    [
      { CpuPeriod: 5000 },
      { NanoCpus: 1e9 },
      undefined,
      options("Nano CPUs cannot be updated as CPU Period has already been set"),
    ],
    [
      { CpuQuota: 5000 },
      { NanoCpus: 1e9 },
      undefined,
      options("Nano CPUs cannot be updated as CPU Quota has already been set"),
    ],
    [
      { NanoCpus: 1e9 },
      { CpuPeriod: 5000 },
      undefined,
      options("CPU Period cannot be updated as NanoCPUs has already been set"),
    ],
    [
      { NanoCpus: 1e9 },
      { CpuQuota: 5000 },
      undefined,
      options("CPU Quota cannot be updated as NanoCPUs has already been set"),
    ],
    [{ AutoRemove: true }, {}, { Name: "always" }, policy],
  ];
  for (const [host, limits, restart, why] of cases) {
    const { change, container, said, told } = bench(host);
    const message = `Cannot update container ${container.id}: ${why}`;
    await assert.rejects(change(limits, restart), { code: "conflict", message });
    assert.deepEqual([container.record.hostConfig, said, told], [host, [], []]);
  }
  await bench({ AutoRemove: true }).change({}, { Name: "no" });
  await bench({ Memory: 64 * MIB, MemorySwap: -1 }).change({ Memory: 128 * MIB });
});

Deno.test("update: bad values are refused before anything is looked at", async () => {
  const { change } = bench({});
  await assert.rejects(change({ Memory: 5 }), {
    code: "invalid_argument",
    message: "Minimum memory limit allowed is 6MB",
  });
  await assert.rejects(change({ NanoCpus: 9e9 }), { code: "invalid_argument", message: /^range of CPUs is from/ });
});

Deno.test("update: what the runtime refuses is as if it had never been asked for", async () => {
  const made = bench({ CpuShares: 5 });
  made.fails = true;
  await assert.rejects(made.change({ CpuShares: 7 }), {
    code: "runtime_failed",
    message: "Cannot update container c1: no",
  });
  assert.deepEqual([made.container.record.hostConfig, made.told], [{ CpuShares: 5 }, []]);
});
