import { strict as assert } from "node:assert";
import type { ContainerStats } from "../../api_types/mod.ts";
import { TsdError } from "../../errors.ts";
import { parseDigest } from "../../image/digest.ts";
import { Container, type ContainerState } from "../model/container.ts";
import type { CgroupUsage } from "./cgroup.ts";
import { StatsService } from "./stats_service.ts";

const RUNNING: ContainerState = { status: "running", startedMs: 0, pid: 7, startTicks: "1" };

function usage(totalNs: number): CgroupUsage {
  return {
    cpu: { totalNs, userNs: 1, systemNs: 2, periods: 0, throttledPeriods: 0, throttledNs: 0 },
    memory: { usageBytes: 5000, limitBytes: Infinity, failures: 0, stats: { inactive_file: 1000 } },
    pids: { current: 3, limit: 0 },
    io: { bytes: [{ major: 8, minor: 0, op: "read", value: 4096 }], operations: [] },
  };
}

/** A service with one container, `web`, whose CPU time is 1, 2, 3 … s. */
function setup(state: ContainerState, networkMode = "none") {
  const imageId = parseDigest(`sha256:${"0".repeat(64)}`);
  const container = new Container("c1", "web", 0, {
    imageName: "busybox",
    imageId,
    layers: [],
    config: {},
    hostConfig: { NetworkMode: networkMode },
    platform: "linux",
  }, state);
  let [exists, samples] = [true, 0];
  const service = new StatsService({
    table: {
      has: () => exists,
      find: (name) => {
        if (name === "web") return container;
        throw new TsdError("container_not_found", `No such container: ${name}`);
      },
    },
    cgroups: { usage: () => Promise.resolve(usage(++samples * 1e9)) },
    memoryBytes: 8000,
    readProc: (path) =>
      Promise.resolve(path === "/proc/stat" ? "cpu 1 1 1 1 1 1 1\ncpu0 1\n" : "  eth0: 1 2 3 4 0 0 0 0 5 6 7 8\n"),
    intervalMs: 1,
  });
  return { service, container, remove: () => exists = false };
}

const collect = (samples: AsyncIterable<ContainerStats>) => Array.fromAsync(samples);
const never = () => new AbortController().signal;

Deno.test("stats: without stream two samples are taken and returned as one", async () => {
  const { service } = setup(RUNNING);
  const [sample, ...more] = await collect(service.watch("web", { stream: false, oneShot: false }, never()));
  assert.deepEqual(more, []);
  assert.deepEqual([sample.name, sample.id], ["/web", "c1"]);
  assert.deepEqual([sample.precpu_stats.cpu_usage.total_usage, sample.cpu_stats.cpu_usage.total_usage], [1e9, 2e9]);
  assert.deepEqual([sample.cpu_stats.system_cpu_usage, sample.cpu_stats.online_cpus], [70_000_000, 1]);
  assert(sample.preread < sample.read);
  assert.deepEqual(sample.memory_stats, { usage: 5000, stats: { inactive_file: 1000 }, limit: 8000 });
  assert.deepEqual(sample.pids_stats, { current: 3 });
  assert.equal(sample.blkio_stats.io_serviced_recursive, null);
  assert.equal(sample.networks.eth0.tx_bytes, 5);
});

Deno.test("stats: one shot is one sample", async () => {
  const { service } = setup(RUNNING);
  const [sample] = await collect(service.watch("web", { stream: false, oneShot: true }, never()));
  assert.equal(sample.cpu_stats.cpu_usage.total_usage, 1e9);
  assert.equal(sample.preread, "0001-01-01T00:00:00Z");
});

Deno.test("stats: a stream ends when the client disconnects and when the container is removed", async () => {
  const options = { stream: true, oneShot: false };
  const { service, remove } = setup(RUNNING);
  const removed = new AbortController();
  const got: number[] = [];
  for await (const { cpu_stats } of service.watch("web", options, removed.signal)) {
    if (got.push(cpu_stats.cpu_usage.total_usage) === 3) removed.abort();
  }
  assert.deepEqual(got, [1e9, 2e9, 3e9]);
  let sampleCount = 0;
  for await (const _sample of service.watch("web", options, never())) if (++sampleCount === 2) remove();
  assert.equal(sampleCount, 2);
});

Deno.test("stats: a stopped container has empty samples", async () => {
  const { service } = setup({ status: "exited", startedMs: 0, finishedMs: 1, exitCode: 0, error: "" });
  const [sample] = await collect(service.watch("web", { stream: false, oneShot: false }, never()));
  assert.deepEqual([sample.read, sample.memory_stats, sample.cpu_stats.system_cpu_usage], [
    "0001-01-01T00:00:00Z",
    {},
    undefined,
  ]);
});

Deno.test("stats: a container on the host's network has no traffic; an unknown container is rejected", async () => {
  const { service } = setup(RUNNING, "host");
  const [sample] = await collect(service.watch("web", { stream: false, oneShot: true }, never()));
  assert.deepEqual(sample.networks, {});
  assert.throws(() => service.watch("db", { stream: true, oneShot: false }, never()), /No such container: db/);
});
