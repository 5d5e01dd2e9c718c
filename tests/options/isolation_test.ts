/** Namespaces, capabilities, filters and devices, seen from inside the container. */
import { strict as assert } from "node:assert";
import { cgroupNamespace, ownNamespace } from "./namespaces.ts";
import { expectResult, scenario, type World } from "../cli/setup.ts";
import { bothSee, CLIENTS, runWith } from "./clients.ts";

const status = (field: string) => `awk '/^${field}:/ { print $2 }' /proc/self/status`;
const namespace = (type: string) => `readlink /proc/self/ns/${type}`;

/** The namespace of a running container. */
async function namespaceOf(world: World, name: string, type: string): Promise<string> {
  return (await world.tsd("exec", name, "readlink", `/proc/self/ns/${type}`)).stdout.trim();
}

scenario("run: namespaces", {
  "--pid host, --uts host, --ipc host, --cgroupns host": async (world) => {
    for (const [flag, type] of [["--pid", "pid"], ["--uts", "uts"], ["--ipc", "ipc"], ["--cgroupns", "cgroup"]]) {
      await bothSee(world, [flag!, "host"], namespace(type!), await ownNamespace(type!));
    }
    await bothSee(world, ["--uts", "host"], "hostname", Deno.hostname());
    await bothSee(world, ["--userns", "host"], namespace("user"), await ownNamespace("user"));
  },
  "--cgroupns private: the container's cgroup is its root": async (world) => {
    if (!await cgroupNamespace()) return;
    await bothSee(world, ["--cgroupns", "private"], "grep -vc ':/$' /proc/self/cgroup", { code: 1, stdout: "0\n" });
  },
  "--pid container:NAME: they see and signal each other, whatever the other is called by then": async (world) => {
    await world.background("donor", ["sh", "-c", "trap 'exit 9' USR1; while :; do sleep 0.05; done"]);
    const flags = ["--pid", "container:donor"];
    await bothSee(world, flags, namespace("pid"), await namespaceOf(world, "donor", "pid"));
    await world.background("later", ["sleep", "1000"], flags);
    expectResult(await world.tsd("rename", "donor", "renamed"), {});
    expectResult(await world.tsd("restart", "-t", "0", "later"), { stdout: "later\n" });
    assert.equal(await namespaceOf(world, "later", "pid"), await namespaceOf(world, "renamed", "pid"));
    expectResult(await runWith(world, "tsd", ["--pid", "container:renamed"], "kill -USR1 1"), {});
    expectResult(await world.tsd("wait", "renamed"), { stdout: "9\n" });
    // The kernel ends all processes of a namespace with its first one.
    expectResult(await world.tsd("wait", "later"), { stdout: "137\n" });
    await world.remove("renamed", "later");
  },
  "--ipc shareable and container:NAME: one shared memory; private ones can't be joined": async (world) => {
    await world.background("donor", ["sleep", "1000"], ["--ipc", "shareable", "--shm-size", "2m"]);
    expectResult(await world.tsd("exec", "donor", "sh", "-c", "echo shared >/dev/shm/file"), {});
    const size = "df -k /dev/shm | tail -n 1 | awk '{ print $2 }'";
    const script = `cat /dev/shm/file; ${size}; ${namespace("ipc")}`;
    const ipc = await namespaceOf(world, "donor", "ipc");
    await bothSee(world, ["--ipc", "container:donor"], script, `shared\n2048\n${ipc}`);
    await bothSee(world, ["--ipc", "none"], "test -e /dev/shm; echo $?", "1");
    // What has joined keeps what it sees when the other one goes.
    await world.background("heir", ["sleep", "1000"], ["--ipc", "container:donor"]);
    await world.remove("donor");
    expectResult(await world.tsd("exec", "heir", "cat", "/dev/shm/file"), { stdout: "shared\n" });
    const failed = "tsd: failed to join IPC namespace: ";
    expectResult(await runWith(world, "tsd", ["--ipc", "container:donor"], "true"), {
      ...{ code: 125, stderr: `${failed}No such container: donor\n` },
    });
    const id = await world.background("closed");
    expectResult(await runWith(world, "tsd", ["--ipc", "container:closed"], "true"), {
      code: 125,
      stderr: `${failed}container ${id}: non-shareable IPC (hint: use IpcMode:shareable for the donor container)\n`,
    });
    await world.remove("heir", "closed");
  },
  "another container's namespaces are joined in a running one only, and with an engine that is new": async (world) => {
    const id = await world.background("donor", ["sleep", "1000"], ["--ipc", "shareable"]);
    await world.engine.stop("SIGKILL");
    await world.engine.start();
    expectResult(await runWith(world, "tsd", ["--ipc", "container:donor"], "echo >/dev/shm/x"), {});
    expectResult(await world.tsd("exec", "donor", "ls", "/dev/shm"), { stdout: "x\n" });
    expectResult(await world.tsd("stop", "-t", "0", "donor"), { stdout: "donor\n" });
    expectResult(await runWith(world, "tsd", ["--pid", "container:donor"], "true"), {
      ...{ code: 125, stderr: `tsd: failed to join PID namespace: container ${id} is not running\n` },
    });
    await world.remove("donor");
  },
}, "docker");

scenario("run: security", {
  "--cap-add, --cap-drop, and the default set": async (world) => {
    await bothSee(world, [], status("CapEff"), "00000000a80425fb");
    await bothSee(world, ["--cap-drop", "ALL", "--cap-add", "net_admin"], status("CapEff"), "0000000000001000");
    await bothSee(world, ["--cap-drop", "CAP_CHOWN"], status("CapBnd"), "00000000a80425fa");
  },
  "--security-opt: no-new-privileges, seccomp, systempaths, writable-cgroups": async (world) => {
    await bothSee(world, ["--security-opt", "no-new-privileges"], status("NoNewPrivs"), "1");
    await bothSee(world, ["--security-opt", "seccomp=unconfined"], status("Seccomp"), "0");
    await bothSee(world, [], status("Seccomp"), "2");
    const profile = `${world.folder}/profile.json`;
    const rule = { names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO", errnoRet: 1 };
    await Deno.writeTextFile(profile, JSON.stringify({ defaultAction: "SCMP_ACT_ALLOW", syscalls: [rule] }, null, 2));
    await bothSee(world, ["--security-opt", `seccomp=${profile}`], "mkdir /x", {
      ...{ code: 1, stderr: "mkdir: can't create directory '/x': Operation not permitted\n" },
    });
    const masked = "grep -c ' /proc/[a-z]' /proc/self/mountinfo";
    await bothSee(world, ["--security-opt", "systempaths=unconfined"], masked, { code: 1, stdout: "0\n" });
    const group = "mkdir /sys/fs/cgroup/pids/own 2>/dev/null || mkdir /sys/fs/cgroup/own && echo made";
    await bothSee(world, ["--security-opt", "writable-cgroups=true"], group, "made");
  },
  "--privileged with single devices elsewhere": async (world) => {
    for (const client of CLIENTS) {
      const flags = ["--privileged", "--device", "/dev/null:/dev/elsewhere:r", "--device", "/dev/null"];
      const { code, stdout } = await runWith(world, client, flags, "ls -l /dev/elsewhere /dev/null | wc -l");
      assert.deepEqual([code, stdout], [0, "2\n"]);
    }
  },
  "--group-add, for exec too": async (world) => {
    await bothSee(world, ["--group-add", "wheel", "--group-add", "4711"], "id -G", "0 2000 4711");
    await world.background("grouped", ["sleep", "1000"], ["--group-add", "wheel", "-u", "daemon"]);
    expectResult(await world.tsd("exec", "grouped", "id", "-G"), { stdout: "1 2000\n" });
    expectResult(await world.tsd("exec", "-u", "app", "grouped", "id", "-G"), { stdout: "1000 2000\n" });
    await world.remove("grouped");
    expectResult(await world.tsd("run", "--rm", "--network", "none", "--group-add", "nope", world.image, "true"), {
      ...{ code: 125, stderr: "tsd: Unable to find group nope: no matching entries in group file\n" },
    });
  },
  "--sysctl in the container's own namespaces": async (world) => {
    const flags = ["--sysctl", "net.ipv4.ip_forward=1", "--sysctl", "kernel.msgmax=4321"];
    await bothSee(world, flags, "cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/msgmax", "1\n4321");
  },
}, "docker");

scenario("run: devices", {
  "--device: a node, another name, what may be done with it": async (world) => {
    const nodes = "stat -c '%t:%T' /dev/kmsg /dev/mine";
    await bothSee(world, ["--device", "/dev/kmsg", "--device", "/dev/kmsg:/dev/mine:r"], nodes, "1:b\n1:b");
    const open = ": </dev/readable && echo read; (: >/dev/readable) 2>/dev/null || echo refused";
    await bothSee(world, ["--device", "/dev/loop-control:/dev/readable:r"], open, "read\nrefused");
  },
  "--device: all nodes below a folder": async (world) => {
    await bothSee(world, ["--device", "/dev/net:/dev/many"], "ls /dev/many", "tun");
  },
  "--device-cgroup-rule: nodes that the container makes itself": async (world) => {
    const make = "mknod /tmp/loop c 10 237 && : </tmp/loop && echo opened";
    await bothSee(world, ["--device-cgroup-rule", "c 10:* rwm"], make, "opened");
    await bothSee(world, [], make, { code: 1, stderr: /Operation not permitted\n$/ });
  },
  "what is no device is refused at the start, as with Docker": async (world) => {
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
      expectResult(await runWith(world, "tsd", [flag], "true"), { code: 125, stderr: `tsd: ${said}\n` });
      const docker = await runWith(world, "docker", [flag], "true");
      // It takes the text for that of a missing command.
      assert.equal(docker.code, /no such file/.test(said) ? 127 : 125);
      assert(docker.stderr.includes(said), docker.stderr);
    }
  },
}, "docker");
