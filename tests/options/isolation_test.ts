/** Namespaces, capabilities, filters and devices, seen from inside the container. */
import { strict as assert } from "node:assert";
import { cgroupNamespace, ownNamespace } from "./namespaces.ts";
import { expectResult, type Fixture, scenario } from "../cli/setup.ts";
import { bothSee, CLIENTS, runWith } from "./clients.ts";

const status = (field: string) => `awk '/^${field}:/ { print $2 }' /proc/self/status`;
const namespace = (type: string) => `readlink /proc/self/ns/${type}`;

/** Returns a namespace of a running container. */
async function namespaceOf(fixture: Fixture, name: string, type: string): Promise<string> {
  return (await fixture.tsd("exec", name, "readlink", `/proc/self/ns/${type}`)).stdout.trim();
}

scenario("run: namespaces", {
  "--pid host, --uts host, --ipc host, --cgroupns host": async (fixture) => {
    for (const [flag, type] of [["--pid", "pid"], ["--uts", "uts"], ["--ipc", "ipc"], ["--cgroupns", "cgroup"]]) {
      await bothSee(fixture, [flag!, "host"], namespace(type!), await ownNamespace(type!));
    }
    await bothSee(fixture, ["--uts", "host"], "hostname", Deno.hostname());
    await bothSee(fixture, ["--userns", "host"], namespace("user"), await ownNamespace("user"));
  },
  "--cgroupns private: the container's cgroup is its root": async (fixture) => {
    if (!await cgroupNamespace()) return;
    await bothSee(fixture, ["--cgroupns", "private"], "grep -vc ':/$' /proc/self/cgroup", { code: 1, stdout: "0\n" });
  },
  "--pid container:NAME: both see and signal each other's processes, also after a rename": async (fixture) => {
    await fixture.background("donor", ["sh", "-c", "trap 'exit 9' USR1; while :; do sleep 0.05; done"]);
    const flags = ["--pid", "container:donor"];
    await bothSee(fixture, flags, namespace("pid"), await namespaceOf(fixture, "donor", "pid"));
    await fixture.background("later", ["sleep", "1000"], flags);
    expectResult(await fixture.tsd("rename", "donor", "renamed"), {});
    expectResult(await fixture.tsd("restart", "-t", "0", "later"), { stdout: "later\n" });
    assert.equal(await namespaceOf(fixture, "later", "pid"), await namespaceOf(fixture, "renamed", "pid"));
    expectResult(await runWith(fixture, "tsd", ["--pid", "container:renamed"], "kill -USR1 1"), {});
    expectResult(await fixture.tsd("wait", "renamed"), { stdout: "9\n" });
    // The kernel kills all processes of a PID namespace when its first process exits.
    expectResult(await fixture.tsd("wait", "later"), { stdout: "137\n" });
    await fixture.remove("renamed", "later");
  },
  "--ipc shareable and container:NAME share memory; private ones cannot be joined": async (fixture) => {
    await fixture.background("donor", ["sleep", "1000"], ["--ipc", "shareable", "--shm-size", "2m"]);
    expectResult(await fixture.tsd("exec", "donor", "sh", "-c", "echo shared >/dev/shm/file"), {});
    const size = "df -k /dev/shm | tail -n 1 | awk '{ print $2 }'";
    const script = `cat /dev/shm/file; ${size}; ${namespace("ipc")}`;
    const ipc = await namespaceOf(fixture, "donor", "ipc");
    await bothSee(fixture, ["--ipc", "container:donor"], script, `shared\n2048\n${ipc}`);
    await bothSee(fixture, ["--ipc", "none"], "test -e /dev/shm; echo $?", "1");
    // A container keeps the namespace that it joined when the other container is removed.
    await fixture.background("heir", ["sleep", "1000"], ["--ipc", "container:donor"]);
    await fixture.remove("donor");
    expectResult(await fixture.tsd("exec", "heir", "cat", "/dev/shm/file"), { stdout: "shared\n" });
    const failed = "tsd: failed to join IPC namespace: ";
    expectResult(await runWith(fixture, "tsd", ["--ipc", "container:donor"], "true"), {
      ...{ code: 125, stderr: `${failed}No such container: donor\n` },
    });
    const id = await fixture.background("closed");
    expectResult(await runWith(fixture, "tsd", ["--ipc", "container:closed"], "true"), {
      code: 125,
      stderr: `${failed}container ${id}: non-shareable IPC (hint: use IpcMode:shareable for the donor container)\n`,
    });
    await fixture.remove("heir", "closed");
  },
  "only namespaces of running containers can be joined, also after the engine restarts": async (
    fixture,
  ) => {
    const id = await fixture.background("donor", ["sleep", "1000"], ["--ipc", "shareable"]);
    await fixture.engine.stop("SIGKILL");
    await fixture.engine.start();
    expectResult(await runWith(fixture, "tsd", ["--ipc", "container:donor"], "echo >/dev/shm/x"), {});
    expectResult(await fixture.tsd("exec", "donor", "ls", "/dev/shm"), { stdout: "x\n" });
    expectResult(await fixture.tsd("stop", "-t", "0", "donor"), { stdout: "donor\n" });
    expectResult(await runWith(fixture, "tsd", ["--pid", "container:donor"], "true"), {
      ...{ code: 125, stderr: `tsd: failed to join PID namespace: container ${id} is not running\n` },
    });
    await fixture.remove("donor");
  },
}, "docker");

scenario("run: security", {
  "--cap-add, --cap-drop, and the default set": async (fixture) => {
    await bothSee(fixture, [], status("CapEff"), "00000000a80425fb");
    await bothSee(fixture, ["--cap-drop", "ALL", "--cap-add", "net_admin"], status("CapEff"), "0000000000001000");
    await bothSee(fixture, ["--cap-drop", "CAP_CHOWN"], status("CapBnd"), "00000000a80425fa");
  },
  "--security-opt: no-new-privileges, seccomp, systempaths, writable-cgroups": async (fixture) => {
    await bothSee(fixture, ["--security-opt", "no-new-privileges"], status("NoNewPrivs"), "1");
    await bothSee(fixture, ["--security-opt", "seccomp=unconfined"], status("Seccomp"), "0");
    await bothSee(fixture, [], status("Seccomp"), "2");
    const profile = `${fixture.dir}/profile.json`;
    const rule = { names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO", errnoRet: 1 };
    await Deno.writeTextFile(profile, JSON.stringify({ defaultAction: "SCMP_ACT_ALLOW", syscalls: [rule] }, null, 2));
    await bothSee(fixture, ["--security-opt", `seccomp=${profile}`], "mkdir /x", {
      ...{ code: 1, stderr: "mkdir: can't create directory '/x': Operation not permitted\n" },
    });
    const masked = "grep -c ' /proc/[a-z]' /proc/self/mountinfo";
    await bothSee(fixture, ["--security-opt", "systempaths=unconfined"], masked, { code: 1, stdout: "0\n" });
    const group = "mkdir /sys/fs/cgroup/pids/own 2>/dev/null || mkdir /sys/fs/cgroup/own && echo made";
    await bothSee(fixture, ["--security-opt", "writable-cgroups=true"], group, "made");
  },
  "--privileged with single devices at other paths": async (fixture) => {
    for (const client of CLIENTS) {
      const flags = ["--privileged", "--device", "/dev/null:/dev/elsewhere:r", "--device", "/dev/null"];
      const { code, stdout } = await runWith(fixture, client, flags, "ls -l /dev/elsewhere /dev/null | wc -l");
      assert.deepEqual([code, stdout], [0, "2\n"]);
    }
  },
  "--group-add, for exec too": async (fixture) => {
    await bothSee(fixture, ["--group-add", "wheel", "--group-add", "4711"], "id -G", "0 2000 4711");
    await fixture.background("grouped", ["sleep", "1000"], ["--group-add", "wheel", "-u", "daemon"]);
    expectResult(await fixture.tsd("exec", "grouped", "id", "-G"), { stdout: "1 2000\n" });
    expectResult(await fixture.tsd("exec", "-u", "app", "grouped", "id", "-G"), { stdout: "1000 2000\n" });
    await fixture.remove("grouped");
    expectResult(await fixture.tsd("run", "--rm", "--network", "none", "--group-add", "nope", fixture.image, "true"), {
      ...{ code: 125, stderr: "tsd: Unable to find group nope: no matching entries in group file\n" },
    });
  },
  "--sysctl in the container's namespaces": async (fixture) => {
    const flags = ["--sysctl", "net.ipv4.ip_forward=1", "--sysctl", "kernel.msgmax=4321"];
    await bothSee(fixture, flags, "cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/msgmax", "1\n4321");
  },
}, "docker");

scenario("run: devices", {
  "--device: a node, another path, its permissions": async (fixture) => {
    const nodes = "stat -c '%t:%T' /dev/kmsg /dev/mine";
    await bothSee(fixture, ["--device", "/dev/kmsg", "--device", "/dev/kmsg:/dev/mine:r"], nodes, "1:b\n1:b");
    const open = ": </dev/readable && echo read; (: >/dev/readable) 2>/dev/null || echo refused";
    await bothSee(fixture, ["--device", "/dev/loop-control:/dev/readable:r"], open, "read\nrefused");
  },
  "--device: all nodes below a directory": async (fixture) => {
    await bothSee(fixture, ["--device", "/dev/net:/dev/many"], "ls /dev/many", "tun");
  },
  "--device-cgroup-rule: nodes that the container creates": async (fixture) => {
    const make = "mknod /tmp/loop c 10 237 && : </tmp/loop && echo opened";
    await bothSee(fixture, ["--device-cgroup-rule", "c 10:* rwm"], make, "opened");
    await bothSee(fixture, [], make, { code: 1, stderr: /Operation not permitted\n$/ });
  },
  "a path that is not a device is refused at the start, as with Docker": async (fixture) => {
    const failed = (path: string, why: string) =>
      `error gathering device information while adding custom device "${path}": ${why}`;
    for (
      const [flag, said] of [
        ["--device=/dev/absent", failed("/dev/absent", "no such file or directory")],
        ["--device=/etc/passwd", failed("/etc/passwd", "not a device node")],
        ["--device-read-bps=/dev/absent:1", "stat /dev/absent: no such file or directory"],
        ["--device-read-bps=/dev/null:1", "Cannot limit /dev/null: it is no block device"],
      ] as const
    ) {
      expectResult(await runWith(fixture, "tsd", [flag], "true"), { code: 125, stderr: `tsd: ${said}\n` });
      const docker = await runWith(fixture, "docker", [flag], "true");
      // It takes the message for that of a missing command.
      assert.equal(docker.code, /no such file/.test(said) ? 127 : 125);
      assert(docker.stderr.includes(said), docker.stderr);
    }
  },
}, "docker");
