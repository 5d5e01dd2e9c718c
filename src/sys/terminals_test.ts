import { strict as assert } from "node:assert";
import "./preopen.ts";
import { cString as c, files, isErrno, O, OwnedFd, pipes, terminals } from "./mod.ts";
import { openPty } from "./sys_testing.ts";

Deno.test("the size of a terminal is set from the master and seen on both sides", () => {
  using master = openPty().master;
  assert.deepEqual(terminals.windowSize(master.fd), { rows: 0, columns: 0 });
  terminals.setWindowSize(master.fd, { rows: 50, columns: 65535 });
  assert.deepEqual(terminals.windowSize(master.fd), { rows: 50, columns: 65535 });
});

Deno.test("the program on the terminal sees the size, also after the other end of it was closed", () => {
  const { master, path } = openPty();
  using managed = master;
  const theirs = new OwnedFd(files.open(c(path), O.RDWR | O.NOCTTY));
  terminals.setWindowSize(managed.fd, { rows: 24, columns: 80 });
  assert.deepEqual(terminals.windowSize(theirs.fd), { rows: 24, columns: 80 });
  theirs.close();
  terminals.setWindowSize(managed.fd, { rows: 25, columns: 81 });
  assert.deepEqual(terminals.windowSize(managed.fd), { rows: 25, columns: 81 });
});

Deno.test("what is no terminal has no size", () => {
  const { readFd, writeFd } = pipes.pipe2();
  using reader = new OwnedFd(readFd);
  using _writer = new OwnedFd(writeFd);
  assert.throws(() => terminals.windowSize(reader.fd), (e) => isErrno(e, "ENOTTY"));
  assert.throws(() => terminals.setWindowSize(reader.fd, { rows: 1, columns: 1 }), (e) => isErrno(e, "ENOTTY"));
});
