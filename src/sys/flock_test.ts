import { strict as assert } from "node:assert";
import "./preopen.ts";
import { isErrno, OwnedFd, tryLock } from "./mod.ts";

Deno.test("tryLock: one holder; free again once it is closed; never through a link", () => {
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
