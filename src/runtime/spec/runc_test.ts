/** Runs generated configurations with the installed runc and inspects the containers from inside. */
import { strict as assert } from "node:assert";
import { requires } from "../../../tests/requires.ts";
import { generateSpec } from "./generate.ts";
import { probeHost } from "./host_probe.ts";
import type { SpecInput } from "./input.ts";
import { execProcess } from "./process.ts";
import { RuncFixture } from "./runc_testing.ts";
import { CONTAINER } from "./spec_testing.ts";

const REAL = requires("root", "runc");
/** The 14 default capabilities as a mask. */
const DEFAULT_MASK = "00000000a80425fb";
const STATUS = "cat /proc/self/status";

Deno.test({
  name: "runc: a plain container has Docker's capabilities, filter, masks and devices",
  ...REAL,
  async fn(t) {
    await using fixture = await RuncFixture.open();
    await t.step("capabilities and filter", async () => {
      const status = await fixture.output(STATUS);
      for (const set of ["CapBnd", "CapPrm", "CapEff"]) assert.equal(field(status, set), DEFAULT_MASK, set);
      for (const set of ["CapInh", "CapAmb"]) assert.equal(field(status, set), "0".repeat(16), set);
      assert.equal(field(status, "Seccomp"), "2");
      assert.equal(field(status, "NoNewPrivs"), "0");
      assert.match((await fixture.run("unshare -U true")).stderr, /Operation not permitted/);
    });
    await t.step("identity", async () => {
      const host = await Deno.readLink("/proc/self/ns/net");
      const out = await fixture.output("hostname; id; readlink /proc/self/ns/net; cat /proc/self/oom_score_adj");
      const [name, id, network, oom] = out.split("\n");
      assert.deepEqual([name, id, oom], [CONTAINER.hostname, "uid=0 gid=0 groups=0,10", "0"]);
      assert.notEqual(network, host);
    });
    await t.step("mounts", async () => {
      const mounts = mountTable(await fixture.output("cat /proc/self/mountinfo"));
      const expected: Record<string, RegExp> = {
        "/proc": /^rw,nosuid,nodev,noexec.* proc$/,
        "/sys": /^ro,nosuid,nodev,noexec.* sysfs$/,
        "/dev": /^rw,nosuid.* tmpfs$/,
        "/dev/pts": /^rw,nosuid,noexec.* devpts$/,
        "/dev/mqueue": /mqueue$/,
        "/dev/shm": /^rw,nosuid,nodev,noexec.* tmpfs$/,
        "/sys/fs/cgroup/memory": /^ro,nosuid,nodev,noexec.* cgroup$/,
        "/proc/sys": /^ro,/,
        "/sys/firmware": /^ro,.* tmpfs$/,
      };
      if ((await probeHost()).cgroupVersion === 2) {
        delete expected["/sys/fs/cgroup/memory"];
        expected["/sys/fs/cgroup"] = /^ro,nosuid,nodev,noexec.* cgroup2$/;
      }
      for (const [path, form] of Object.entries(expected)) assert.match(mounts.get(path) ?? "missing", form, path);
    });
    await t.step("masked files that exist on the machine are empty", async () => {
      const masked = spec().linux.maskedPaths.filter((path) => path.startsWith("/proc/"));
      const present = await Array.fromAsync(Deno.readDir("/proc"), ({ name }) => `/proc/${name}`);
      const files = masked.filter((path) => present.includes(path));
      assert.notEqual(files.length, 0);
      assert.equal(await fixture.output(files.map((path) => `cat ${path} || ls -A ${path};`).join("")), "");
    });
    await t.step("read-only paths can't be written", async () => {
      assert.notEqual((await fixture.run("touch /sys/x")).code, 0);
      assert.notEqual((await fixture.run("echo 1 > /proc/sys/kernel/panic")).code, 0);
      assert.equal(await fixture.output("cat /proc/sys/net/ipv4/ip_unprivileged_port_start"), "0");
      assert.equal(await fixture.output("stat -f -c %b/%s /dev/shm"), "16384/4096");
    });
    await t.step("devices", async () => {
      const names = (await fixture.output("ls /dev")).split(/\s+/).filter((name) => name !== "core");
      const standard = ["fd", "full", "mqueue", "null", "ptmx", "pts", "random", "shm", "stderr", "stdin", "stdout"];
      assert.deepEqual(names.sort(), [...standard, "tty", "urandom", "zero"]);
      assert.match((await fixture.run("mknod /tmp/mem c 1 1 && cat /tmp/mem")).stderr, /Operation not permitted/);
    });
    await t.step("a missing working directory is created", async () => {
      assert.equal(await fixture.output("pwd", { cwd: "/made/for/this" }), "/made/for/this");
    });
  },
});

Deno.test({
  name: "runc: a user other than root has no effective capabilities and its own groups",
  ...REAL,
  async fn() {
    await using fixture = await RuncFixture.open();
    const user = { uid: 1000, gid: 1001, additionalGids: [1001, 27], umask: 0o27 };
    const out = await fixture.output(`id; umask; ${STATUS}`, { user });
    assert.match(out, /^uid=1000 gid=1001 groups=27,1001|^uid=1000 gid=1001 groups=1001,27/);
    assert.match(out, /^0027$/m);
    assert.equal(field(out, "CapEff"), "0".repeat(16));
    assert.equal(field(out, "CapPrm"), "0".repeat(16));
    assert.equal(field(out, "CapBnd"), DEFAULT_MASK);
  },
});

Deno.test({
  name: "runc: a privileged container gets all capabilities of the machine and no masks",
  ...REAL,
  async fn() {
    await using fixture = await RuncFixture.open();
    const host = await probeHost();
    const out = await fixture.output(`${STATUS}; cat /proc/self/mountinfo`, { privileged: true });
    assert.equal(BigInt(`0x${field(out, "CapEff")}`), host.boundingCapabilities);
    assert.equal(field(out, "Seccomp"), "0");
    const mounts = mountTable(out);
    assert.match(mounts.get("/sys") ?? "", /^rw,/);
    const cgroup = host.cgroupVersion === 2 ? "/sys/fs/cgroup" : "/sys/fs/cgroup/memory";
    assert.match(mounts.get(cgroup) ?? "", /^rw,/);
    assert.equal(mounts.has("/proc/interrupts"), false);
  },
});

Deno.test({
  name: "runc: a container shares the host's namespaces",
  ...REAL,
  async fn() {
    await using fixture = await RuncFixture.open();
    const types = ["net", "uts", "pid", "ipc"];
    const shared: Partial<SpecInput> = { network: "host", uts: "host", pid: "host", ipc: "host" };
    const out = await fixture.output(types.map((type) => `readlink /proc/self/ns/${type}`).join(";"), shared);
    assert.deepEqual(out.split("\n"), await Promise.all(types.map((type) => Deno.readLink(`/proc/self/ns/${type}`))));
    assert.equal(await fixture.output("hostname", { network: "host", hostname: "elsewhere" }), "elsewhere");
  },
});

Deno.test({
  name: "runc: a custom seccomp profile with a name that libseccomp does not know",
  ...REAL,
  async fn() {
    await using fixture = await RuncFixture.open();
    const names = ["mkdir", "mkdirat", "no_such_call_at_all"];
    const seccomp = {
      defaultAction: "SCMP_ACT_ALLOW",
      syscalls: [{ names, action: "SCMP_ACT_ERRNO", errnoRet: 1, excludes: { caps: ["CAP_SYS_TIME"] } }],
    };
    assert.match((await fixture.run("mkdir /tmp/x", { seccomp })).stderr, /Operation not permitted/);
    await fixture.output("mkdir /tmp/x", { seccomp, capAdd: ["SYS_TIME"] });
  },
});

Deno.test({
  name: "runc: ulimits and cgroup limits are set",
  ...REAL,
  async fn() {
    await using fixture = await RuncFixture.open();
    const changes: Partial<SpecInput> = {
      resources: { memoryBytes: 32 << 20, pidsLimit: 50, cpuShares: 256, nanoCpus: 500_000_000 },
      ulimits: [{ name: "nofile", soft: 512, hard: 1e9 }, { name: "core", soft: 0, hard: -1 }],
    };
    assert.equal(await fixture.output("ulimit -Sn; ulimit -c", changes), "512\n0");
    const version = (await probeHost()).cgroupVersion;
    const files = version === 1
      ? ["memory/memory.limit_in_bytes", "pids/pids.max", "cpu/cpu.shares", "cpu/cpu.cfs_quota_us"]
      : ["memory.max", "pids.max", "cpu.weight", "cpu.max"];
    const out = await fixture.output(`cd /sys/fs/cgroup; cat ${files.join(" ")}`, changes);
    const expected = version === 1 ? ["33554432", "50", "256", "50000"] : ["33554432", "50", "10", "50000 100000"];
    assert.deepEqual(out.split("\n"), expected);
  },
});

Deno.test({
  name: "runc: read-only root, tmpfs and bind mounts",
  ...REAL,
  async fn() {
    await using fixture = await RuncFixture.open();
    await Deno.mkdir(fixture.path("shared"));
    await Deno.writeTextFile(fixture.path("shared/file"), "from the host");
    await Deno.writeTextFile(fixture.path("hosts"), "127.0.0.1 localhost\n");
    const changes: Partial<SpecInput> = {
      readonlyRootfs: true,
      etcFiles: { hosts: fixture.path("hosts") },
      mounts: [
        { kind: "tmpfs", target: "/tmp", options: ["size=1m", "exec"] },
        { kind: "bind", source: fixture.path("shared"), target: "/ro", readOnly: true },
        { kind: "bind", source: fixture.path("shared"), target: "/rw", readOnly: false },
      ],
    };
    const tryWrite = (path: string) => `touch ${path} 2>/dev/null && echo wrote ${path};`;
    const out = await fixture.output(
      `${tryWrite("/x")}${tryWrite("/ro/x")}${tryWrite("/etc/hosts")} touch /tmp/x /rw/x; cat /ro/file /etc/hosts`,
      changes,
    );
    assert.equal(out, "from the host127.0.0.1 localhost");
    assert.equal((await Deno.stat(fixture.path("shared/x"))).size, 0);
  },
});

Deno.test({
  name: "runc: exec with the container's settings, and privileged",
  ...REAL,
  async fn(t) {
    await using fixture = await RuncFixture.open();
    const host = await probeHost();
    const input = {
      ...CONTAINER,
      host,
      args: ["/bin/sh", "-c", `pwd; env; id; ulimit -n; ${STATUS}`],
      cwd: "/etc",
      env: ["PATH=/bin", "GREETING=hello"],
      user: { uid: 7, gid: 8, additionalGids: [8] },
      ulimits: [{ name: "nofile", soft: 300, hard: 400 }],
      execPrivileged: false,
    };
    await t.step("as another user", async () => {
      const { code, stdout, stderr } = await fixture.exec(execProcess(input).process);
      assert.equal(code, 0, stderr);
      // runc up to 1.1.12 sets the limit from outside, while its Go runtime raises the soft limit to the hard one.
      for (const line of [/^\/etc$/m, /^GREETING=hello$/m, /^uid=7 gid=8 groups=8$/m, /^(?:300|400)$/m]) {
        assert.match(stdout, line);
      }
      assert.equal(field(stdout, "CapEff"), "0".repeat(16));
      assert.equal(field(stdout, "CapBnd"), DEFAULT_MASK);
      assert.equal(field(stdout, "Seccomp"), "2");
    });
    await t.step("privileged", async () => {
      const user = { uid: 0, gid: 0, additionalGids: [0] };
      const { stdout } = await fixture.exec(execProcess({ ...input, user, execPrivileged: true }).process);
      assert.equal(BigInt(`0x${field(stdout, "CapEff")}`), host.boundingCapabilities);
    });
  },
});

const spec = () => generateSpec(CONTAINER).spec;

function field(status: string, name: string): string | undefined {
  return new RegExp(`^${name}:\\s*(\\S+)`, "m").exec(status)?.[1];
}

/** Returns options and filesystem type by mount point; for stacked mounts those of the last one. */
function mountTable(mountinfo: string): Map<string, string> {
  const lines = mountinfo.split("\n").map((line) => line.split(" ")).filter((fields) => fields.includes("-"));
  return new Map(lines.map((fields) => [fields[4], `${fields[5]} ${fields[fields.indexOf("-") + 1]}`]));
}
