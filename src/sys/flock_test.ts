import { strict as assert } from "node:assert";
import "./preopen_testing.ts";
import { isErrno, OwnedFd, shareLock, tryLock, tryLockDirectory } from "./mod.ts";

Deno.test("tryLock: one holder at a time; closing releases the lock; a symbolic link is not followed", () => {
  const path = Deno.makeTempDirSync({ prefix: "tsd-sys-" });
  try {
    const first = tryLock(`${path}/lock`);
    assert.ok(first instanceof OwnedFd);
    const before = [...Deno.readDirSync("/proc/self/fd")].length;
    assert.equal(tryLock(`${path}/lock`), "held");
    assert.equal([...Deno.readDirSync("/proc/self/fd")].length, before);
    first.close();
    const second = tryLock(`${path}/lock`);
    assert.ok(second instanceof OwnedFd);
    second.close();
    assert.equal(Deno.statSync(`${path}/lock`).mode! & 0o777, 0o600);
    Deno.symlinkSync("lock", `${path}/link`);
    assert.throws(() => tryLock(`${path}/link`), (e) => isErrno(e, "ELOOP"));
    assert.throws(() => tryLock(`${path}/none/lock`), (e) => isErrno(e, "ENOENT"));
  } finally {
    Deno.removeSync(path, { recursive: true });
  }
});

Deno.test("shareLock: a directory has several shared holders, which exclude an exclusive one", async () => {
  const path = Deno.makeTempDirSync({ prefix: "tsd-sys-" });
  const canLockExclusively = async () =>
    (await new Deno.Command("flock", { args: ["-n", path, "true"] }).output()).success;
  try {
    const holders = [shareLock(path), shareLock(path)];
    for (const holder of holders) {
      assert.ok(holder instanceof OwnedFd);
      assert.equal(await canLockExclusively(), false);
      holder.close();
    }
    assert.equal(await canLockExclusively(), true);
    Deno.writeTextFileSync(`${path}/file`, "");
    assert.throws(() => shareLock(`${path}/file`), (e) => isErrno(e, "ENOTDIR"));
  } finally {
    Deno.removeSync(path, { recursive: true });
  }
});

Deno.test("tryLockDirectory: one holder, also through a link", () => {
  const path = Deno.makeTempDirSync({ prefix: "tsd-sys-" });
  try {
    Deno.mkdirSync(`${path}/directory`);
    Deno.symlinkSync("directory", `${path}/link`);
    const first = tryLockDirectory(`${path}/link`);
    assert.ok(first instanceof OwnedFd);
    assert.equal(tryLockDirectory(`${path}/directory`), "held");
    first.close();
    const second = tryLockDirectory(`${path}/directory`);
    assert.ok(second instanceof OwnedFd);
    second.close();
    assert.throws(() => tryLockDirectory(`${path}/none`), (e) => isErrno(e, "ENOENT"));
  } finally {
    Deno.removeSync(path, { recursive: true });
  }
});
