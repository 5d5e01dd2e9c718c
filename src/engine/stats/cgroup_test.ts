import { strict as assert } from "node:assert";
import type { CgroupFiles } from "./cgroup_files.ts";
import { CgroupsV1 } from "./cgroup_v1.ts";
import { CgroupsV2 } from "./cgroup_v2.ts";
import { parseMachineCpu, parseNetworks } from "./host_counters.ts";

const cgroupOf = (id: string) => `tsd/${id}`;

/** Creates files by path below `/cg`. */
function fakeFiles(texts: Readonly<Record<string, string>>, written: string[] = []): CgroupFiles {
  const read = (path: string) => texts[path.replace(/^\/cg\//, "")];
  const dirsOf = (path: string) => {
    const below = `${path.replace(/^\/cg\//, "")}/`;
    const rest = Object.keys(texts).filter((key) => key.startsWith(below)).map((key) => key.slice(below.length));
    return [...new Set(rest.filter((key) => key.includes("/")).map((key) => key.split("/")[0]))];
  };
  return {
    read: (path) => Promise.resolve(read(path)),
    readSync: read,
    writeSync: (path, text) => void written.push(`${path} ${text}`),
    dirs: (path) => Promise.resolve(dirsOf(path)),
  };
}

/** Notices that record their requests. */
function notices() {
  const requested: string[] = [];
  const note = (mechanism: string) => (path: string) => {
    requested.push(`${mechanism} ${path}`);
    return { [Symbol.dispose]: () => void requested.push("end") };
  };
  return { requested, fake: { eventfd: note("eventfd"), poll: note("poll") } };
}

const V1 = {
  "cpuacct/tsd/c1/cpuacct.usage": "1500000000\n",
  "cpuacct/tsd/c1/cpuacct.usage_percpu": "1000000000 500000000 \n",
  "cpuacct/tsd/c1/cpuacct.stat": "user 100\nsystem 50\n",
  "cpu/tsd/c1/cpu.stat": "nr_periods 7\nnr_throttled 3\nthrottled_time 42\nnr_bursts 0\n",
  "memory/tsd/c1/memory.usage_in_bytes": "4096000\n",
  "memory/tsd/c1/memory.max_usage_in_bytes": "5000000\n",
  "memory/tsd/c1/memory.limit_in_bytes": "67108864\n",
  "memory/tsd/c1/memory.failcnt": "9\n",
  "memory/tsd/c1/memory.stat": "cache 10\ntotal_inactive_file 96000\n",
  "memory/tsd/c1/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n",
  "pids/tsd/c1/pids.current": "3\n",
  "pids/tsd/c1/pids.max": "max\n",
  "pids/tsd/c1/cgroup.procs": "12\n13\n",
  "pids/tsd/c1/inner/cgroup.procs": "20\n",
  "blkio/tsd/c1/blkio.throttle.io_service_bytes_recursive": "8:0 Read 4096\n8:0 Write 0\n8:0 Total 4096\nTotal 4096\n",
};

Deno.test("cgroup v1: a container's usage is read from all hierarchies", async () => {
  const cgroups = new CgroupsV1("/cg", cgroupOf, fakeFiles(V1), notices().fake);
  assert.deepEqual(await cgroups.usage("c1"), {
    cpu: {
      totalNs: 1_500_000_000,
      userNs: 1_000_000_000,
      systemNs: 500_000_000,
      perCpuNs: [1_000_000_000, 500_000_000],
      periods: 7,
      throttledPeriods: 3,
      throttledNs: 42,
    },
    memory: {
      usageBytes: 4096000,
      maxUsageBytes: 5000000,
      limitBytes: 67108864,
      failures: 9,
      stats: { cache: 10, total_inactive_file: 96000 },
    },
    pids: { current: 3, limit: 0 },
    io: {
      bytes: [
        { major: 8, minor: 0, op: "Read", value: 4096 },
        { major: 8, minor: 0, op: "Write", value: 0 },
        { major: 8, minor: 0, op: "Total", value: 4096 },
      ],
      operations: [],
    },
  });
  assert.deepEqual(await cgroups.pids("c1"), [12, 13, 20]);
  assert.equal(cgroups.oomKills("c1"), 2);
});

Deno.test("cgroup v1: unlimited memory, missing controllers and missing cgroups", async () => {
  const files = fakeFiles({
    "memory/tsd/c1/memory.usage_in_bytes": "1\n",
    "memory/tsd/c1/memory.limit_in_bytes": "9223372036854771712\n",
    "freezer/tsd/c1/cgroup.procs": "5\n",
  });
  const cgroups = new CgroupsV1("/cg", cgroupOf, files, notices().fake);
  const usage = await cgroups.usage("c1");
  assert.equal(usage?.memory.limitBytes, Infinity);
  assert.deepEqual([usage?.cpu.totalNs, usage?.pids.current], [0, 0]);
  assert.deepEqual(await cgroups.pids("c1"), [5]);
  assert.equal(await cgroups.usage("c2"), undefined);
  assert.deepEqual([await cgroups.pids("c2"), cgroups.oomKills("c2")], [[], 0]);
});

Deno.test("cgroup v2: a container's usage", async () => {
  const cgroups = new CgroupsV2(
    "/cg",
    cgroupOf,
    fakeFiles({
      "tsd/c1/cpu.stat":
        "usage_usec 1500\nuser_usec 1000\nsystem_usec 500\nnr_periods 7\nnr_throttled 3\nthrottled_usec 2\n",
      "tsd/c1/memory.current": "4096000\n",
      "tsd/c1/memory.max": "max\n",
      "tsd/c1/memory.stat": "anon 1\ninactive_file 96000\n",
      "tsd/c1/memory.events": "low 0\nhigh 0\nmax 5\noom 4\noom_kill 1\n",
      "tsd/c1/pids.current": "3\n",
      "tsd/c1/pids.max": "100\n",
      "tsd/c1/io.stat": "8:0 rbytes=4096 wbytes=8192 rios=1 wios=2 dbytes=0 dios=0\n",
      "tsd/c1/cgroup.procs": "12\n",
      "tsd/c1/init/cgroup.procs": "13\n",
    }),
    notices().fake,
  );
  assert.deepEqual(await cgroups.usage("c1"), {
    cpu: {
      totalNs: 1_500_000,
      userNs: 1_000_000,
      systemNs: 500_000,
      periods: 7,
      throttledPeriods: 3,
      throttledNs: 2000,
    },
    memory: { usageBytes: 4096000, limitBytes: Infinity, failures: 4, stats: { anon: 1, inactive_file: 96000 } },
    pids: { current: 3, limit: 100 },
    io: {
      bytes: [{ major: 8, minor: 0, op: "read", value: 4096 }, { major: 8, minor: 0, op: "write", value: 8192 }],
      operations: [{ major: 8, minor: 0, op: "read", value: 1 }, { major: 8, minor: 0, op: "write", value: 2 }],
    },
  });
  assert.deepEqual(await cgroups.pids("c1"), [12, 13]);
  assert.equal(cgroups.oomKills("c1"), 1);
  assert.equal(await cgroups.usage("c2"), undefined);
});

Deno.test("both versions report frozen containers, and each has its mechanism for OOM notifications", () => {
  const { requested, fake } = notices();
  const written: string[] = [];
  const v1 = new CgroupsV1("/cg", cgroupOf, fakeFiles({ "freezer/tsd/c1/freezer.state": "FROZEN\n" }, written), fake);
  const v2 = new CgroupsV2("/cg", cgroupOf, fakeFiles({ "tsd/c1/cgroup.freeze": "1\n" }, written), fake);
  for (const cgroups of [v1, v2]) {
    assert.deepEqual([cgroups.isFrozen("c1"), cgroups.isFrozen("c2")], [true, false]);
    cgroups.thaw("c1");
    cgroups.onOom("c1", () => undefined)[Symbol.dispose]();
  }
  assert.deepEqual(written, ["/cg/freezer/tsd/c1/freezer.state THAWED", "/cg/tsd/c1/cgroup.freeze 0"]);
  assert.deepEqual(requested, [
    "eventfd /cg/memory/tsd/c1/memory.oom_control",
    "end",
    "poll /cg/tsd/c1/memory.events",
    "end",
  ]);
});

Deno.test("the host's CPU time and a network namespace's traffic are parsed from /proc", () => {
  const stat = "cpu  10 1 5 100 2 0 1 9 9 9\ncpu0 5 1 2 50 1 0 1 0 0 0\ncpu1 5 0 3 50 1 0 0 0 0 0\nintr 1\n";
  assert.deepEqual(parseMachineCpu(stat), { totalNs: 119 * 10_000_000, cpuCount: 2 });
  const dev = "Inter-|   Receive  | Transmit\n face |bytes    packets\n    lo: 9 9 9 9 9 9 9 9 9 9 9 9 9 9 9 9\n" +
    "  eth0: 100 10 1 2 0 0 0 0 200 20 3 4 0 0 0 0\n";
  const eth0 = {
    ...{ rx_bytes: 100, rx_packets: 10, rx_errors: 1, rx_dropped: 2 },
    ...{ tx_bytes: 200, tx_packets: 20, tx_errors: 3, tx_dropped: 4 },
  };
  assert.deepEqual(parseNetworks(dev), { eth0 });
});

Deno.test("version 1 reports a freeze in progress as frozen, so that a kill thaws the container", () => {
  const isFrozenIn = (state: string) =>
    new CgroupsV1("/cg", cgroupOf, fakeFiles({ "freezer/tsd/c1/freezer.state": state }, []), notices().fake)
      .isFrozen("c1");
  assert.deepEqual(["FREEZING\n", "FROZEN\n", "THAWED\n"].map(isFrozenIn), [true, true, false]);
});
