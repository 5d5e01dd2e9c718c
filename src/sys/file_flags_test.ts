import { strict as assert } from "node:assert";
import { requires } from "../../tests/requires.ts";
import { cString, fileFlags, files, FS_FL, isErrno, O, OwnedFd, SysError } from "./mod.ts";

async function withFile(use: (path: string, file: OwnedFd) => Promise<void>): Promise<void> {
  const path = await Deno.makeTempFile({ prefix: "tsd-flags-" });
  using file = new OwnedFd(files.open(cString(path), O.RDONLY));
  try {
    await use(path, file);
  } finally {
    await Deno.remove(path);
  }
}

Deno.test("an immutable file cannot be written or removed until the flag is cleared", requires("root"), async () => {
  await withFile(async (path, file) => {
    const before = fileFlags.fileFlags(file.fd);
    try {
      fileFlags.setFileFlags(file.fd, before | FS_FL.IMMUTABLE);
    } catch (thrown) {
      // Some file systems and containers don't support it.
      if (isErrno(thrown, "ENOTTY", "EOPNOTSUPP", "EPERM")) return;
      throw thrown;
    }
    assert.equal(fileFlags.fileFlags(file.fd), before | FS_FL.IMMUTABLE);
    await assert.rejects(Deno.writeTextFile(path, "x"));
    await assert.rejects(Deno.remove(path));
    fileFlags.setFileFlags(file.fd, before);
    await Deno.writeTextFile(path, "x");
  });
});

Deno.test("fs-verity is enabled, or refused with a known errno", requires("root"), async () => {
  await withFile(async (path, file) => {
    await Deno.writeTextFile(path, "content");
    try {
      fileFlags.enableVerity(file.fd);
    } catch (thrown) {
      assert.ok(isErrno(thrown, "ENOTTY", "EOPNOTSUPP", "EPERM"), String(thrown));
      return;
    }
    assert.equal(fileFlags.fileFlags(file.fd) & FS_FL.VERITY, FS_FL.VERITY);
    await assert.rejects(Deno.writeTextFile(path, "x"));
    assert.throws(() => fileFlags.enableVerity(file.fd), (thrown) => isErrno(thrown, "EEXIST"));
  });
});

Deno.test("a file of procfs has no inode flags", () => {
  using device = new OwnedFd(files.open(cString("/proc/self/stat"), O.RDONLY));
  assert.throws(() => fileFlags.fileFlags(device.fd), SysError);
});
