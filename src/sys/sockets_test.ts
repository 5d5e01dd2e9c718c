import { strict as assert } from "node:assert";
import { isTsdError } from "../errors.ts";
import "./preopen_testing.ts";
import { cString as c, files, isErrno, O, OwnedFd, pipes, type ReceivedFd, sockets } from "./mod.ts";
import { connectUnix, sendFds, socketPair } from "./sys_testing.ts";

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const openFds = () => [...Deno.readDirSync("/proc/self/fd")].length;
const flagsOf = (fd: number) =>
  parseInt(/flags:\s*(\d+)/.exec(Deno.readTextFileSync(`/proc/self/fdinfo/${fd}`))?.[1] ?? "", 8);

function received(message: ReceivedFd | "again"): ReceivedFd {
  assert.ok(message !== "again");
  return message;
}

Deno.test("receiveFd: no message, a descriptor with data, data alone, end of stream", () => {
  const [first, second] = socketPair();
  using receiver = first;
  using sender = second;
  assert.equal(sockets.receiveFd(receiver.fd), "again");

  const { readFd, writeFd } = pipes.pipe2();
  using reader = new OwnedFd(readFd);
  using writer = new OwnedFd(writeFd);
  sendFds(sender.fd, [writer.fd], "/dev/pts/ptmx");
  const message = received(sockets.receiveFd(receiver.fd));
  using copy = new OwnedFd(message.fd!);
  assert.equal(text(message.data), "/dev/pts/ptmx");
  assert.notEqual(copy.fd, writer.fd);
  assert.ok(flagsOf(copy.fd) & O.CLOEXEC);
  files.write(copy.fd, new Uint8Array([42]));
  const buffer = new Uint8Array(2);
  assert.equal(files.read(reader.fd, buffer), 1);
  assert.equal(buffer[0], 42);

  sendFds(sender.fd, [], "only text");
  const plain = received(sockets.receiveFd(receiver.fd));
  assert.deepEqual([plain.fd, text(plain.data)], [undefined, "only text"]);
  sender.close();
  const end = received(sockets.receiveFd(receiver.fd));
  assert.deepEqual([end.fd, end.data.length], [undefined, 0]);
});

Deno.test("receiveFd returns one descriptor, however many were sent, and at most 4 KiB of data", () => {
  const [first, second] = socketPair();
  using receiver = first;
  using sender = second;
  using file = new OwnedFd(files.open(c("/dev/null"), O.RDONLY));
  const before = openFds();
  for (const count of [2, 8, 9, 100]) {
    sendFds(sender.fd, Array.from({ length: count }, () => file.fd), "y".repeat(5000));
    const message = received(sockets.receiveFd(receiver.fd));
    using _fd = new OwnedFd(message.fd!);
    assert.equal(openFds(), before + 1, `${count} were sent`);
    assert.equal(message.data.length, 4096);
    const rest = received(sockets.receiveFd(receiver.fd));
    assert.deepEqual([rest.fd, rest.data.length], [undefined, 904]);
  }
  assert.equal(openFds(), before);
});

Deno.test("a listening socket: accept, the file's permissions, a path in use", () => {
  const dir = Deno.makeTempDirSync({ prefix: "tsd-sys-" });
  try {
    const path = `${dir}/s`;
    using listener = new OwnedFd(sockets.unixSocket());
    assert.equal(flagsOf(listener.fd) & (O.CLOEXEC | O.NONBLOCK), O.CLOEXEC | O.NONBLOCK);
    sockets.bindUnix(listener.fd, path);
    assert.ok(Deno.statSync(path).isSocket);
    assert.throws(() => connectUnix(path), (e) => isErrno(e, "ECONNREFUSED"));
    sockets.listen(listener.fd, 4);
    assert.equal(sockets.accept(listener.fd), "again");
    using client = connectUnix(path);
    const accepted = sockets.accept(listener.fd);
    assert.ok(accepted !== "again");
    using server = new OwnedFd(accepted);
    assert.equal(flagsOf(server.fd) & (O.CLOEXEC | O.NONBLOCK), O.CLOEXEC | O.NONBLOCK);
    sendFds(client.fd, [listener.fd], "hello");
    const message = received(sockets.receiveFd(server.fd));
    using _copy = new OwnedFd(message.fd!);
    assert.equal(text(message.data), "hello");

    using second = new OwnedFd(sockets.unixSocket());
    assert.throws(() => sockets.bindUnix(second.fd, path), (e) => isErrno(e, "EADDRINUSE"));
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
});

Deno.test("a socket's path has 107 bytes at most, and no NUL", () => {
  const dir = Deno.makeTempDirSync({ prefix: "tsd-sys-" });
  try {
    using socket = new OwnedFd(sockets.unixSocket());
    const longest = `${dir}/`.padEnd(107, "x");
    for (const path of [longest + "x", `${dir}/`.padEnd(106, "x") + "é", "", "a\0b"]) {
      assert.throws(() => sockets.bindUnix(socket.fd, path), (e) => isTsdError(e, "invalid_argument"));
    }
    sockets.bindUnix(socket.fd, longest);
    assert.ok(Deno.statSync(longest).isSocket);
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
});

Deno.test("receiveFd on a pipe and accept on a socket that doesn't listen throw a SysError", () => {
  const { readFd, writeFd } = pipes.pipe2();
  using reader = new OwnedFd(readFd);
  using _writer = new OwnedFd(writeFd);
  assert.throws(() => sockets.receiveFd(reader.fd), (e) => isErrno(e, "ENOTSOCK"));
  using socket = new OwnedFd(sockets.unixSocket());
  assert.throws(() => sockets.accept(socket.fd), (e) => isErrno(e, "EINVAL"));
});
