import { strict as assert } from "node:assert";
import type { HostConfig, RestartPolicy } from "../../api_types/mod.ts";
import { TsdError } from "../../errors.ts";
import type { OciLimits } from "../../runtime/spec/mod.ts";
import { HOST } from "../../runtime/spec/spec_testing.ts";
import { KeyedLock } from "../../async/keyed_lock.ts";
import { type PortUpdate, portUpdate } from "../../network/port_changes.ts";
import type { PublishedPort } from "../../network/port.ts";
import type { PortChange } from "../networks/container_ports.ts";
import { type Recording, UNTOLD } from "../../store/event_records.ts";
import type { Container, ContainerRecord, ContainerState } from "../model/container.ts";
import { EXITED, fakeContainer, recordedEvents, RUNNING, runtimesOf, tableOf } from "./containers_testing.ts";
import type { ChangedLimits } from "../model/update_request.ts";
import { ContainerUpdater } from "./update.ts";

const MIB = 1 << 20;
const PUBLISHED: PublishedPort[] = [{ protocol: "tcp", containerPort: 80, hostIp: "0.0.0.0", hostPort: 8080 }];

function bench(hostConfig: HostConfig, state: ContainerState = RUNNING) {
  const container = fakeContainer(state, { hostConfig });
  const { reported, events } = recordedEvents();
  const made = {
    container,
    reported,
    said: [] as OciLimits[],
    fails: false,
    ports: [] as PortChange[],
    steps: [] as string[],
  };
  const sandbox = { id: "s1", path: "/run/s1", ports: PUBLISHED };
  const update = (_: string, resources: OciLimits) => {
    if (made.fails) return Promise.reject(new TsdError("runtime_failed", "no"));
    made.steps.push("limits");
    return Promise.resolve(void made.said.push(resources));
  };
  const table = {
    ...tableOf(container),
    setConfig: (
      given: Container,
      changed: Pick<ContainerRecord, "config" | "hostConfig">,
      recording: Recording = UNTOLD,
    ) => {
      const record = { ...given.record, ...changed };
      recording({ write: () => void (given.record = record) });
    },
  };
  const runtimes = runtimesOf({ update });
  const networks = {
    endpointsOf: () => ({ sandbox, endpoints: [] }),
    published: {
      change: (_: Container, { removed, added }: PortChange) => {
        made.ports.push({ removed, added });
        return Promise.resolve({
          settle: () => Promise.resolve(void made.steps.push("settle")),
          [Symbol.asyncDispose]: () => Promise.resolve(void made.steps.push("end")),
        });
      },
    },
  };
  const updater = new ContainerUpdater({ table, locks: new KeyedLock(), runtimes, events, networks, info: HOST });
  const change = (limits: ChangedLimits, restartPolicy?: RestartPolicy, ports?: PortUpdate) =>
    updater.update("web", { limits, restartPolicy, ports });
  return Object.assign(made, { change });
}

Deno.test("update: a running container is told what changes, and what belongs to that", async () => {
  const { change, said, reported, container } = bench({ Memory: 64 * MIB, MemorySwap: 128 * MIB, CpuPeriod: 50_000 });
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
  assert.deepEqual(reported, ["update", "update", "update", "update"]);
});

Deno.test("update: one that doesn't run is told at its next start, one without new limits not at all", async () => {
  const stopped = bench({}, EXITED);
  await stopped.change({ CpuShares: 7 });
  assert.deepEqual([stopped.said, stopped.container.record.hostConfig], [[], { CpuShares: 7 }]);
  const running = bench({});
  await running.change({}, { Name: "always" });
  assert.deepEqual([running.said, running.container.record.hostConfig], [[], { RestartPolicy: { Name: "always" } }]);
  assert.deepEqual(running.reported, ["update"]);
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
    const { change, container, said, reported } = bench(host);
    const message = `Cannot update container ${container.id}: ${why}`;
    await assert.rejects(change(limits, restart), { code: "conflict", message });
    assert.deepEqual([container.record.hostConfig, said, reported], [host, [], []]);
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
  assert.deepEqual([made.container.record.hostConfig, made.reported], [{ CpuShares: 5 }, []]);
});

Deno.test("update: ports of a running container change at once, those of a stopped one are recorded", async () => {
  const update = portUpdate({ "81/tcp": [{ HostIp: "", HostPort: "8081" }] }, [{ HostPort: "8080" }]);
  const running = bench({ PortBindings: { "80/tcp": [{ HostIp: "0.0.0.0", HostPort: "8080" }] } });
  await running.change({ CpuShares: 7 }, undefined, update);
  assert.deepEqual(running.steps, ["limits", "settle", "end"]);
  const added = [{ protocol: "tcp", containerPort: 81, hostIp: "", hostPorts: [8081, 8081] }];
  assert.deepEqual(running.ports, [{ removed: PUBLISHED, added }]);
  const bindings = { "81/tcp": [{ HostIp: "", HostPort: "8081" }] };
  assert.deepEqual(running.container.record.hostConfig.PortBindings, bindings);
  assert.deepEqual(running.container.record.config.ExposedPorts, { "81/tcp": {} });
  const stopped = bench({ PortBindings: { "80/tcp": [{ HostIp: "", HostPort: "8080" }] } }, EXITED);
  await stopped.change({}, undefined, update);
  assert.deepEqual([stopped.ports, stopped.container.record.hostConfig.PortBindings], [[], bindings]);
});

Deno.test("update: with limits that are refused ports are what they were; on the host's network there are none", async () => {
  const host = { PortBindings: { "80/tcp": [{ HostIp: "", HostPort: "8080" }] } };
  const made = bench(host);
  made.fails = true;
  const update = portUpdate({ "81/tcp": [{ HostIp: "", HostPort: "8081" }] }, []);
  await assert.rejects(made.change({ CpuShares: 7 }, undefined, update), { code: "runtime_failed" });
  assert.deepEqual([made.container.record.hostConfig, made.steps], [host, ["end"]]);
  await assert.rejects(bench({ NetworkMode: "host" }).change({}, undefined, update), {
    code: "conflict",
    message: "Cannot update container c1: it has no ports of its own, as its network is host",
  });
});
