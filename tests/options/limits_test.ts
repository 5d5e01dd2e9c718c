/** Resource limits, as shown by the container's cgroup and rlimits. */
import { strict as assert } from "node:assert";
import { probeHost } from "../../src/runtime/spec/mod.ts";
import { expectResult, scenario } from "../cli/setup.ts";
import { bothSee, cgroupVersion, runWith } from "./clients.ts";

const VERSION = await cgroupVersion();
const INFO = await probeHost();
const MIB = 1 << 20;

/** Returns a command that prints files below the container's /sys/fs/cgroup, by version. */
const cat = (v1: string, v2: string) =>
  `cat ${(VERSION === 1 ? v1 : v2).split(" ").map((file) => `/sys/fs/cgroup/${file}`).join(" ")}`;
const by = (v1: string, v2: string) => VERSION === 1 ? v1 : v2;

/** Finds a disk of the machine: limits apply to whole disks only. */
async function wholeDisk(): Promise<{ path: string; numbers: string } | undefined> {
  for await (const { name } of Deno.readDir("/sys/block")) {
    const numbers = (await Deno.readTextFile(`/sys/block/${name}/dev`)).trim();
    const exists = await Deno.stat(`/dev/${name}`).then(({ isBlockDevice }) => isBlockDevice, () => false);
    if (exists && !name.startsWith("zram")) return { path: `/dev/${name}`, numbers };
  }
}

scenario("run: limits", {
  "-m alone limits swap to the same amount again": async (fixture) => {
    const files = cat("memory/memory.limit_in_bytes memory/memory.memsw.limit_in_bytes", "memory.max memory.swap.max");
    const swap = by(String(128 * MIB), String(64 * MIB));
    await bothSee(fixture, ["-m", "64m"], files, `${64 * MIB}\n${swap}`);
  },
  "--memory-swap, --memory-reservation": async (fixture) => {
    const files = cat("memory/memory.memsw.limit_in_bytes", "memory.swap.max");
    await bothSee(fixture, ["-m", "64m", "--memory-swap", "96m"], files, by(String(96 * MIB), String(32 * MIB)));
    const unlimited = { stdout: by("^[0-9]{19}\n$", "^max\n$") };
    await bothSee(fixture, ["-m", "64m", "--memory-swap", "-1"], files, { stdout: new RegExp(unlimited.stdout) });
    const soft = cat("memory/memory.soft_limit_in_bytes", "memory.low");
    await bothSee(fixture, ["-m", "64m", "--memory-reservation", "32m"], soft, String(32 * MIB));
  },
  "--memory-swappiness, --oom-kill-disable": async (fixture) => {
    if (VERSION === 2) return;
    await bothSee(fixture, ["--memory-swappiness", "7"], cat("memory/memory.swappiness", ""), "7");
    const flags = ["-m", "64m", "--oom-kill-disable"];
    await bothSee(
      fixture,
      flags,
      "grep oom_kill_disable /sys/fs/cgroup/memory/memory.oom_control",
      "oom_kill_disable 1",
    );
    const warning = /OOM killer is disabled for the container, but no memory limit is set/;
    expectResult(await fixture.run(["true"], ["--oom-kill-disable"]), { stderr: warning });
  },
  "--cpus, --cpu-period with --cpu-quota, --cpu-shares, --cpuset-cpus, --cpuset-mems": async (fixture) => {
    const quota = cat("cpu/cpu.cfs_quota_us cpu/cpu.cfs_period_us", "cpu.max");
    await bothSee(fixture, ["--cpus", "0.5"], quota, by("50000\n100000", "50000 100000"));
    const given = ["--cpu-period", "50000", "--cpu-quota", "20000"];
    await bothSee(fixture, given, quota, by("20000\n50000", "20000 50000"));
    await bothSee(fixture, ["--cpu-shares", "512"], cat("cpu/cpu.shares", "cpu.weight"), by("512", "20"));
    await bothSee(fixture, ["-c", "256"], cat("cpu/cpu.shares", "cpu.weight"), by("256", "10"));
    const set = cat("cpuset/cpuset.cpus cpuset/cpuset.mems", "cpuset.cpus cpuset.mems");
    await bothSee(fixture, ["--cpuset-cpus", "0", "--cpuset-mems", "0"], set, "0\n0");
  },
  "--pids-limit is enforced": async (fixture) => {
    await bothSee(fixture, ["--pids-limit", "20"], cat("pids/pids.max", "pids.max"), "20");
    await bothSee(fixture, ["--pids-limit", "-1"], cat("pids/pids.max", "pids.max"), "max");
    const bomb = "for i in 1 2 3 4 5 6 7 8 9; do sleep 1 & done";
    expectResult(await fixture.run(["sh", "-c", bomb], ["--pids-limit", "5"]), { code: 2, stderr: /can't fork/ });
  },
  "--device-read-bps and the other three; a weight if the machine supports weights": async (fixture) => {
    const disk = await wholeDisk();
    if (disk === undefined || !INFO.cgroupFeatures.has("blkioReadBps")) return;
    const { path, numbers } = disk;
    const flags = [
      ...["--device-read-bps", `${path}:1mb`, "--device-write-bps", `${path}:2mb`],
      ...["--device-read-iops", `${path}:300`, "--device-write-iops", `${path}:400`],
    ];
    const throttle = (name: string) => `blkio/blkio.throttle.${name}_device`;
    const files = ["read_bps", "write_bps", "read_iops", "write_iops"].map(throttle).join(" ");
    const values = [MIB, 2 * MIB, 300, 400];
    const v1 = values.map((value) => `${numbers} ${value}`).join("\n");
    const v2 = `${numbers} rbps=${values[0]} wbps=${values[1]} riops=${values[2]} wiops=${values[3]}`;
    await bothSee(fixture, flags, cat(files, "io.max"), by(v1, v2));
    const weighed = await fixture.run(["true"], ["--blkio-weight", "300"]);
    const warning = /^WARNING: Your kernel does not support Block I\/O weight .* Weight discarded\.\n$/;
    expectResult(weighed, { stderr: INFO.cgroupFeatures.has("blkioWeight") ? "" : warning });
  },
  "--ulimit, --oom-score-adj, --shm-size": async (fixture) => {
    const limits = ["--ulimit", "nofile=100:200", "--ulimit", "core=0"];
    await bothSee(fixture, limits, "ulimit -Sn; ulimit -Hn; ulimit -c", "100\n200\n0");
    await bothSee(fixture, ["--oom-score-adj", "300"], "cat /proc/self/oom_score_adj", "300");
    await bothSee(fixture, ["--shm-size", "3m"], "df -k /dev/shm | tail -n 1 | awk '{ print $2 }'", "3072");
  },
  "capabilities that the engine lacks are left out with one warning": async (fixture) => {
    const cap = INFO.rlimitHardCaps.nofile;
    if (cap === undefined) return;
    const more = String(cap + 1n);
    const said = `ulimit nofile: this machine allows at most ${cap}, which is used instead of ${more}`;
    for (const client of ["tsd", "docker"] as const) {
      const { code, stdout, stderr } = await runWith(fixture, client, ["--ulimit", `nofile=${more}`], "ulimit -Hn");
      assert.deepEqual([code, stdout], [0, `${cap}\n`]);
      assert.equal(stderr.split(said).length, 2, stderr);
    }
  },
  "--cgroup-parent: the container is in it, with its limits, and leaves no trace": async (fixture) => {
    const parent = `/tsd-parent-${fixture.engine.pid}`;
    await using _gone = { [Symbol.asyncDispose]: () => removeParent(parent) };
    for (const given of [parent, `${parent.slice(1)}/deeper`, `/../..${parent}`]) {
      const clean = `/${given.replace(/^\/\.\.\/\.\./, "").replace(/^\//, "")}`;
      const id = await fixture.background("placed", ["sleep", "1000"], ["--cgroup-parent", given, "-m", "32m"]);
      const [{ State, HostConfig }] = JSON.parse((await fixture.tsd("inspect", "placed")).stdout);
      assert.equal(HostConfig.CgroupParent, given);
      assert.match(await Deno.readTextFile(`/proc/${State.Pid}/cgroup`), new RegExp(`:${clean}/${id}\n`));
      const format = "{{.MemUsage}} {{.PIDs}}";
      expectResult(await fixture.tsd("stats", "--no-stream", "--format", format, "placed"), {
        stdout: /\/ 32MiB 1\n$/,
      });
      expectResult(await fixture.tsd("pause", "placed"), { stdout: "placed\n" });
      expectResult(await fixture.tsd("unpause", "placed"), { stdout: "placed\n" });
      expectResult(await fixture.tsd("top", "placed", "-o", "pid"), { stdout: /^PID\n\d+\n$/ });
      await fixture.remove("placed");
      assert.deepEqual(await cgroupsNamed(id), []);
    }
  },
}, "docker");

/** Returns cgroups with this name in any hierarchy. */
async function cgroupsNamed(name: string): Promise<string[]> {
  const found: string[] = [];
  const look = async (dir: string, depth: number): Promise<void> => {
    // Those of other engines may disappear.
    const entries = await Array.fromAsync(Deno.readDir(dir)).catch((thrown) => {
      if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
      return [];
    });
    for (const entry of entries) {
      if (!entry.isDirectory) continue;
      if (entry.name === name) found.push(`${dir}/${entry.name}`);
      else if (depth < 4) await look(`${dir}/${entry.name}`, depth + 1);
    }
  };
  await look("/sys/fs/cgroup", 0);
  return found;
}

/** Removes a parent cgroup, which stays as with Docker: its creator removes it. */
async function removeParent(parent: string): Promise<void> {
  for (const tree of VERSION === 2 ? [""] : (await Array.fromAsync(Deno.readDir("/sys/fs/cgroup"))).map(slashed)) {
    for (const path of [`${parent}/deeper`, parent]) {
      await Deno.remove(`/sys/fs/cgroup${tree}${path}`).catch((thrown) => {
        if (!(thrown instanceof Deno.errors.NotFound) && !(thrown instanceof Deno.errors.NotADirectory)) throw thrown;
      });
    }
  }
}

const slashed = ({ name }: Deno.DirEntry) => `/${name}`;
