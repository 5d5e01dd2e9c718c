import { strict as assert } from "node:assert";
import "./preopen_testing.ts";
import { files, isErrno, O, OwnedFd, pipes } from "./mod.ts";

const flagsOf = (fd: number) =>
  parseInt(/flags:\s*(\d+)/.exec(Deno.readTextFileSync(`/proc/self/fdinfo/${fd}`))?.[1] ?? "", 8);

Deno.test("pipes: size, non-blocking, close-on-exec", () => {
  const { readFd, writeFd } = pipes.pipe2();
  using reader = new OwnedFd(readFd);
  using writer = new OwnedFd(writeFd);
  assert.equal(flagsOf(reader.fd) & (O.CLOEXEC | O.NONBLOCK), O.CLOEXEC);
  assert.equal(flagsOf(writer.fd) & O.ACCMODE, O.WRONLY);
  assert.equal(pipes.setPipeSize(writer.fd, 200_000), 262_144);
  assert.equal(pipes.pipeSize(reader.fd), 262_144);
  pipes.setNonBlocking(reader.fd, true);
  assert.equal(files.read(reader.fd, new Uint8Array(1)), "again");
  pipes.setNonBlocking(reader.fd, false);
  assert.equal(flagsOf(reader.fd) & O.NONBLOCK, 0);
  pipes.setCloseOnExec(writer.fd, false);
  assert.equal(flagsOf(writer.fd) & O.CLOEXEC, 0);
  pipes.setCloseOnExec(writer.fd, true);
  assert.equal(flagsOf(writer.fd) & O.CLOEXEC, O.CLOEXEC);
  using copy = new OwnedFd(pipes.duplicate(writer.fd));
  assert.equal(flagsOf(copy.fd) & O.CLOEXEC, O.CLOEXEC);
  assert.equal(files.write(copy.fd, new Uint8Array([7])), 1);
  assert.equal(files.read(reader.fd, new Uint8Array(1)), 1);
  assert.throws(() => pipes.setPipeSize(100_000, 4096), (e) => isErrno(e, "EBADF"));
});

Deno.test("tee copies data from a pipe without consuming it", () => {
  const open = () => {
    const { readFd, writeFd } = pipes.pipe2(O.NONBLOCK);
    return { reader: new OwnedFd(readFd), writer: new OwnedFd(writeFd) };
  };
  const [from, to] = [open(), open()];
  using stack = new DisposableStack();
  for (const end of [from.reader, from.writer, to.reader, to.writer]) stack.use(end);
  const buffer = new Uint8Array(10);
  assert.equal(pipes.tee(from.reader.fd, to.writer.fd, 10), "again");
  files.write(from.writer.fd, new Uint8Array([1, 2, 3]));
  for (let i = 0; i < 2; i++) {
    assert.equal(pipes.tee(from.reader.fd, to.writer.fd, 10), 3);
    assert.equal(files.read(to.reader.fd, buffer), 3);
  }
  assert.equal(files.read(from.reader.fd, buffer), 3);
  from.writer.close();
  assert.equal(pipes.tee(from.reader.fd, to.writer.fd, 10), 0);
  assert.throws(() => pipes.tee(100_000, to.writer.fd, 10), (e) => isErrno(e, "EBADF"));
});
