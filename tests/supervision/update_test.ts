/** `update` on a running container, as its cgroup shows at once, after its next start, and with the next engine. */
import { strict as assert } from "node:assert";
import { probeHost } from "../../src/runtime/spec/mod.ts";
import { expectResult, type Fixture, scenario } from "../cli/setup.ts";
import { cgroupVersion, CLIENTS } from "../options/clients.ts";
import { actionsOf, nowSeconds } from "./setup.ts";

const VERSION = await cgroupVersion();
const INFO = await probeHost();
const MIB = 1 << 20;

/** Returns the values of the container's cgroup files, by their names in cgroup versions 1 and 2. */
async function cgroup(fixture: Fixture, name: string, v1: string, v2: string): Promise<string[]> {
  const files = (VERSION === 1 ? v1 : v2).split(" ").map((file) => `/sys/fs/cgroup/${file}`);
  return (await fixture.tsd("exec", name, "cat", ...files)).stdout.trim().split("\n");
}

const memory = (fixture: Fixture, name: string) =>
  cgroup(
    fixture,
    name,
    "memory/memory.limit_in_bytes memory/memory.memsw.limit_in_bytes",
    "memory.max memory.swap.max",
  );
/** The swap limit in the format of this version's file. */
const swap = (limit: number, total: number) => String(VERSION === 1 ? total : total - limit);

scenario("update", {
  "memory and swap: at once, in inspect, after a restart, with the next engine": async (fixture) => {
    await fixture.background("box", ["sleep", "1000"], ["-m", "64m"]);
    for (const [at, client] of CLIENTS.entries()) {
      const [limit, total] = [96 + 32 * at, 192 + 32 * at];
      const said = await fixture.engine[client](["update", "-m", `${limit}m`, "--memory-swap", `${total}m`, "box"]);
      expectResult(said, { stdout: "box\n" });
      assert.deepEqual(await memory(fixture, "box"), [String(limit * MIB), swap(limit * MIB, total * MIB)]);
      const format = "{{.HostConfig.Memory}} {{.HostConfig.MemorySwap}}";
      expectResult(await fixture.docker("inspect", "-f", format, "box"), { stdout: `${limit * MIB} ${total * MIB}\n` });
    }
    const after = [String(128 * MIB), swap(128 * MIB, 224 * MIB)];
    expectResult(await fixture.tsd("restart", "-t", "0", "box"), { stdout: "box\n" });
    assert.deepEqual(await memory(fixture, "box"), after);
    await fixture.engine.stop("SIGKILL");
    await fixture.engine.start();
    assert.deepEqual(await memory(fixture, "box"), after);
    expectResult(await fixture.tsd("update", "--memory-swap", "-1", "box"), { stdout: "box\n" });
    assert.match((await memory(fixture, "box"))[1]!, VERSION === 1 ? /^\d{19}$/ : /^max$/);
    await fixture.remove("box");
  },
  "CPUs and processes": async (fixture) => {
    await fixture.background("box", ["sleep", "1000"], ["--cpu-shares", "512", "--pids-limit", "50"]);
    expectResult(await fixture.tsd("update", "--cpus", "0.5", "-c", "256", "--cpuset-cpus", "0", "box"), {
      stdout: "box\n",
    });
    const v1 = "cpu/cpu.cfs_quota_us cpu/cpu.shares cpuset/cpuset.cpus";
    const v2 = "cpu.max cpu.weight cpuset.cpus";
    const requested = VERSION === 1 ? ["50000", "256", "0"] : ["50000 100000", "10", "0"];
    assert.deepEqual(await cgroup(fixture, "box", v1, v2), requested);
    expectResult(await fixture.docker("update", "--pids-limit", "7", "box"), { stdout: "box\n" });
    assert.deepEqual(await cgroup(fixture, "box", "pids/pids.max", "pids.max"), ["7"]);
    expectResult(await fixture.docker("update", "--pids-limit", "-1", "box"), { stdout: "box\n" });
    assert.deepEqual(await cgroup(fixture, "box", "pids/pids.max", "pids.max"), ["max"]);
    await fixture.remove("box");
  },
  "a paused container stays paused; a stopped one is updated at its next start": async (fixture) => {
    await fixture.background("box");
    expectResult(await fixture.tsd("pause", "box"), { stdout: "box\n" });
    expectResult(await fixture.tsd("update", "--cpu-shares", "300", "box"), { stdout: "box\n" });
    expectResult(await fixture.tsd("ps", "--format", "{{.Status}}"), { stdout: /\(Paused\)\n$/ });
    expectResult(await fixture.tsd("unpause", "box"), { stdout: "box\n" });
    const shares = () => cgroup(fixture, "box", "cpu/cpu.shares", "cpu.weight");
    assert.deepEqual(await shares(), VERSION === 1 ? ["300"] : ["12"]);
    expectResult(await fixture.tsd("stop", "-t", "0", "box"), { stdout: "box\n" });
    expectResult(await fixture.tsd("container", "update", "--cpu-shares", "512", "box"), { stdout: "box\n" });
    expectResult(await fixture.tsd("start", "box"), { stdout: "box\n" });
    assert.deepEqual(await shares(), VERSION === 1 ? ["512"] : ["20"]);
    await fixture.remove("box");
  },
  "--restart counts from the next exit on; the event reports it": async (fixture) => {
    const since = nowSeconds();
    await fixture.background("again", ["sleep", "1000"]);
    expectResult(await fixture.tsd("update", "--restart", "on-failure:5", "again"), { stdout: "again\n" });
    const [{ State }] = JSON.parse((await fixture.tsd("inspect", "again")).stdout);
    Deno.kill(State.Pid, "SIGKILL");
    await fixture.until("its restart", async () => {
      const [{ RestartCount, State }] = JSON.parse((await fixture.tsd("inspect", "again")).stdout);
      return RestartCount === 1 && State.Status === "running";
    });
    expectResult(await fixture.tsd("update", "--restart", "no", "again"), { stdout: "again\n" });
    const actions = await actionsOf(fixture.engine, "again", since);
    assert.deepEqual(actions, ["create", "start", "update", "die", "start", "update"]);
    await fixture.remove("again");
  },
  "several at once; a failure does not affect the others": async (fixture) => {
    await fixture.background("one");
    await fixture.background("two");
    expectResult(await fixture.tsd("update", "--cpu-shares", "300", "one", "absent", "two"), {
      code: 1,
      stdout: "one\ntwo\n",
      stderr: "tsd: No such container: absent\n",
    });
    await fixture.remove("one", "two");
  },
  "invalid updates: Docker's messages and status, and nothing has changed": async (fixture) => {
    const id = await fixture.background("box", ["sleep", "1000"], ["-m", "64m", "--memory-swap", "64m"]);
    await fixture.background("brief", ["sleep", "1000"], ["--rm"]);
    const cannot = (container: string) => `Cannot update container ${container}: `;
    const memoryswap = "Memory limit should be smaller than already set memoryswap limit, " +
      "update the memoryswap at the same time";
    const brief = (await fixture.tsd("inspect", "-f", "{{.Id}}", "brief")).stdout.trim();
    const refused: readonly (readonly [name: string, body: unknown, status: number, message: string | RegExp])[] = [
      ["box", { Memory: 5 }, 400, "Minimum memory limit allowed is 6MB"],
      ["box", { Memory: 128 * MIB }, 409, cannot(id) + memoryswap],
      ["box", { MemorySwap: 32 * MIB }, 400, "Minimum memoryswap limit should be larger than memory limit, see usage"],
      ["box", { CpusetCpus: "x" }, 400, "Invalid value x for cpuset cpus: invalid format: x"],
      ["box", { RestartPolicy: { Name: "odd" } }, 400, /^invalid restart policy: unknown policy 'odd'; use one of /],
      ["box", { Devices: [{}] }, 501, "Cannot update the container: --device can't be changed after its creation"],
      [
        "brief",
        { RestartPolicy: { Name: "always" } },
        409,
        `${cannot(brief)}Restart policy cannot be updated because AutoRemove is enabled for the container`,
      ],
      ["absent", { CpuShares: 5 }, 404, "No such container: absent"],
    ];
    for (const [name, body, status, message] of refused) {
      const answer = await fixture.engine.api.post(`/containers/${name}/update`, body);
      const said = answer.json<{ message: string }>().message;
      assert.equal(answer.status, status, said);
      if (typeof message === "string") assert.equal(said, message);
      else assert.match(said, message);
    }
    assert.deepEqual((await memory(fixture, "box"))[0], String(64 * MIB));
    await fixture.remove("box", "brief");
  },
  "an update that the kernel refuses is not recorded": async (fixture) => {
    if (VERSION === 2) return;
    const fill = "head -c 40000000 /dev/zero >/dev/shm/file; echo full; sleep 1000";
    const id = await fixture.background("full", ["sh", "-c", fill], ["-m", "96m", "--memory-swap", "96m"]);
    await fixture.until("its memory to fill", async () => (await fixture.tsd("logs", "full")).stdout === "full\n");
    const { code, stderr } = await fixture.tsd("update", "-m", "8m", "full");
    assert.equal(code, 1);
    assert.match(stderr, new RegExp(`^tsd: Cannot update container ${id}: OCI runtime update failed: .+\n$`));
    expectResult(await fixture.tsd("inspect", "-f", "{{.HostConfig.Memory}}", "full"), { stdout: `${96 * MIB}\n` });
    await fixture.remove("full");
  },
  "a limit that the machine does not support is reported without other effects": async (fixture) => {
    if (INFO.cgroupFeatures.has("blkioWeight")) return;
    await fixture.background("box");
    const warning = "Your kernel does not support Block I/O weight or the cgroup is not mounted. Weight discarded.";
    for (const client of CLIENTS) {
      const said = await fixture.engine[client](["update", "--blkio-weight", "300", "box"]);
      expectResult(said, { stdout: `box\n${warning}\n` });
    }
    await fixture.remove("box");
  },
}, "docker");
