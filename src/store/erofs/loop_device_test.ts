import { strict as assert } from "node:assert";
import { requires } from "../../../tests/requires.ts";
import { FakeSys } from "../../sys/fake_testing.ts";
import { cString, files, LO_FLAGS, O, OwnedFd } from "../../sys/mod.ts";
import { loopDeviceOf } from "./loop_device.ts";

const backingFile = async (path: string): Promise<string | undefined> => {
  try {
    return (await Deno.readTextFile(`/sys/block/${path.slice("/dev/".length)}/loop/backing_file`)).trim();
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return undefined;
    throw thrown;
  }
};

Deno.test("a loop device is read-only, and is released on disposal", requires("loop"), async () => {
  const path = await Deno.makeTempFile({ prefix: "tsd-loop-" });
  try {
    await Deno.writeTextFile(path, "0123456789abcdef".repeat(64));
    using file = new OwnedFd(files.open(cString(path), O.RDONLY));
    const device = loopDeviceOf(file);
    try {
      assert.equal(await backingFile(device.path), path);
      assert.equal((await Deno.readFile(device.path)).length, 1024);
      await assert.rejects(Deno.writeTextFile(device.path, "x", { create: false }));
      using other = loopDeviceOf(file);
      assert.notEqual(other.path, device.path);
    } finally {
      device[Symbol.dispose]();
    }
    assert.notEqual(await backingFile(device.path), path);
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("a device that another process took meanwhile is not a failure; other errors are", () => {
  const sys = new FakeSys()
    .script("freeLoop", { value: 3 }, { value: 4 })
    .script("configureLoop", { error: "EBUSY" });
  using device = loopDeviceOf({ fd: 9 }, sys.calls);
  assert.equal(device.path, "/dev/loop4");
  const flags = LO_FLAGS.READ_ONLY | LO_FLAGS.AUTOCLEAR | LO_FLAGS.DIRECT_IO;
  assert.deepEqual(sys.argsOf("configureLoop").map(([, file, requested]) => [file, requested]), [[{ fd: 9 }, flags], [
    { fd: 9 },
    flags,
  ]]);
  device[Symbol.dispose]();
  assert.deepEqual([...sys.openFds], []);
  sys.script("configureLoop", { error: "EIO" });
  assert.throws(() => loopDeviceOf({ fd: 9 }, sys.calls), { errnoName: "EIO" });
  const busy = new FakeSys();
  busy.calls.configureLoop = sys.script("configureLoop", ...Array(64).fill({ error: "EBUSY" })).calls.configureLoop;
  assert.throws(() => loopDeviceOf({ fd: 9 }, busy.calls), { errnoName: "EBUSY" });
  assert.deepEqual([[...sys.openFds], [...busy.openFds]], [[], []]);
});
