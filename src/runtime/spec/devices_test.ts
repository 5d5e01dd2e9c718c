import { strict as assert } from "node:assert";
import { parseDeviceRule } from "./devices.ts";
import { hostDevices, resolveDevice } from "./host_devices.ts";

Deno.test("parseDeviceRule parses rules and rejects malformed ones", () => {
  assert.deepEqual(parseDeviceRule("b 8:* rw"), { allow: true, type: "b", major: 8, access: "rw" });
  assert.deepEqual(parseDeviceRule("a *:* rwm"), { allow: true, type: "a", access: "rwm" });
  for (const rule of ["", "x 1:1 r", "c 1 r", "c 1:1", "c 1:1 ", "c 1:1 x", "c -1:1 r", " c 1:1 r"]) {
    assert.throws(() => parseDeviceRule(rule), { message: `invalid device cgroup rule format: '${rule}'` });
  }
});

Deno.test("resolveDevice returns a device of the host", async () => {
  const [node] = await resolveDevice("/dev/null", "/dev/nothing", "r");
  const { fileMode: _, ...rest } = node;
  assert.deepEqual(rest, { path: "/dev/nothing", type: "c", major: 1, minor: 3, uid: 0, gid: 0, access: "r" });
});

Deno.test("resolveDevice follows a link to a device and rejects a regular file", async () => {
  const dir = await Deno.makeTempDir();
  try {
    await Deno.symlink("/dev/zero", `${dir}/link`);
    assert.equal((await resolveDevice(`${dir}/link`, "/dev/z", "rwm"))[0].minor, 5);
    await Deno.writeTextFile(`${dir}/file`, "");
    const messageOf = (why: string, path: string) =>
      `error gathering device information while adding custom device "${path}": ${why}`;
    await assert.rejects(resolveDevice(`${dir}/file`, "/dev/f", "rwm"), {
      code: "invalid_argument",
      message: messageOf("not a device node", `${dir}/file`),
    });
    await assert.rejects(resolveDevice(`${dir}/none`, "/dev/n", "rwm"), {
      message: messageOf("no such file or directory", `${dir}/none`),
    });
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("hostDevices returns all devices of the host except those that each container has", async () => {
  const paths = (await hostDevices()).map((node) => node.path);
  assert.ok(paths.includes("/dev/null"));
  assert.equal(paths.some((path) => path.startsWith("/dev/pts/") || path === "/dev/console"), false);
});
