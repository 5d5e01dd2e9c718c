import { strict as assert } from "node:assert";
import "./preopen_testing.ts";
import { cString as c, files, isErrno, O, OwnedFd, pipes, terminals } from "./mod.ts";
import { openPty } from "./sys_testing.ts";

Deno.test("setWindowSize on the master sets the size of the terminal", () => {
  using master = openPty().master;
  assert.deepEqual(terminals.windowSize(master.fd), { rows: 0, columns: 0 });
  terminals.setWindowSize(master.fd, { rows: 50, columns: 65535 });
  assert.deepEqual(terminals.windowSize(master.fd), { rows: 50, columns: 65535 });
});

Deno.test("the slave sees the size, and the master keeps working after the slave was closed", () => {
  const { master, path } = openPty();
  using ownedMaster = master;
  const slave = new OwnedFd(files.open(c(path), O.RDWR | O.NOCTTY));
  terminals.setWindowSize(ownedMaster.fd, { rows: 24, columns: 80 });
  assert.deepEqual(terminals.windowSize(slave.fd), { rows: 24, columns: 80 });
  slave.close();
  terminals.setWindowSize(ownedMaster.fd, { rows: 25, columns: 81 });
  assert.deepEqual(terminals.windowSize(ownedMaster.fd), { rows: 25, columns: 81 });
});

Deno.test("a pipe has no window size", () => {
  const { readFd, writeFd } = pipes.pipe2();
  using reader = new OwnedFd(readFd);
  using _writer = new OwnedFd(writeFd);
  assert.throws(() => terminals.windowSize(reader.fd), (e) => isErrno(e, "ENOTTY"));
  assert.throws(() => terminals.setWindowSize(reader.fd, { rows: 1, columns: 1 }), (e) => isErrno(e, "ENOTTY"));
});
