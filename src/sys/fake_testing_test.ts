import { strict as assert } from "node:assert";
import { FakeSys } from "./fake_testing.ts";
import { attach, cString as c, isErrno, newMount, O, OwnedFd } from "./mod.ts";

Deno.test("FakeSys records calls in order, with names as text and bytes as copies", () => {
  const fake = new FakeSys();
  const buffer = new Uint8Array([1, 2]);
  {
    using file = new OwnedFd(fake.calls.openat(3, c("a"), O.CREAT, 0o600), fake.calls);
    assert.equal(fake.calls.write(file.fd, buffer), 2);
    buffer[0] = 9;
    assert.deepEqual([...fake.openFds], [100]);
  }
  assert.deepEqual(fake.recorded, [
    { name: "openat", args: [3, "a", O.CREAT, 0o600] },
    { name: "write", args: [100, new Uint8Array([1, 2])] },
    { name: "close", args: [100] },
  ]);
  assert.equal(fake.openFds.size, 0);
  assert.throws(() => fake.calls.close(100), (e) => isErrno(e, "EBADF"));
});

Deno.test("FakeSys returns scripted answers first, then defaults", () => {
  const fake = new FakeSys().script("mkdirat", { error: "EEXIST" }).script("read", { value: "again" }, {
    run: (_fd, buffer) => buffer.fill(7).length,
  });
  assert.throws(() => fake.calls.mkdirat(3, c("d"), 0o755), (e) => isErrno(e, "EEXIST"));
  fake.calls.mkdirat(3, c("d"), 0o755);
  const buffer = new Uint8Array(2);
  assert.deepEqual([1, 2, 3].map(() => fake.calls.read(3, buffer)), ["again", 2, 0]);
  assert.deepEqual([...buffer], [7, 7]);
  assert.equal(fake.argsOf("mkdirat").length, 2);
});

Deno.test("newMount closes its context also when the kernel rejects an option", () => {
  const fake = new FakeSys().script("fsconfig", { error: "EINVAL" });
  assert.throws(() => newMount({ type: "x", options: [["a", "b"]] }, fake.calls, fake.calls), (e) => isErrno(e));
  assert.equal(fake.openFds.size, 0);
  using mount = newMount({ type: "x", options: [["lower", { fd: 5 }]] }, fake.calls, fake.calls);
  attach(mount, { fd: 9 }, fake.calls);
  assert.deepEqual(fake.names.slice(3), ["fsopen", "fsconfig", "fsconfig", "fsmount", "close", "moveMount"]);
  assert.deepEqual([...fake.openFds], [mount.fd]);
});

Deno.test("FakeSys: sockets have no data by default; execve always throws", () => {
  const fake = new FakeSys();
  using socket = new OwnedFd(fake.calls.unixSocket(), fake.calls);
  fake.calls.bindUnix(socket.fd, "/run/x");
  assert.deepEqual([fake.calls.accept(socket.fd), fake.calls.receiveFd(socket.fd)], ["again", "again"]);
  assert.deepEqual(fake.argsOf("bindUnix"), [[socket.fd, "/run/x"]]);
  assert.throws(() => fake.calls.execve("/bin/x", ["x"], {}));
  fake.script("execve", { error: "ENOENT" });
  assert.throws(() => fake.calls.execve("/bin/x", ["x"], {}), (e) => isErrno(e, "ENOENT"));
  assert.deepEqual(fake.calls.pidfdInfo(1), { pid: undefined, exit: undefined });
});
