import { strict as assert } from "node:assert";
import { FakeSys } from "../sys/fake_testing.ts";
import { EPOLL, isErrno, OwnedFd, type PollHandler } from "../sys/mod.ts";
import { StdinPipe } from "./stdin_pipe.ts";

const BYTES = new TextEncoder().encode("input");

/** A pipe on a fake descriptor, and the descriptors registered with epoll. */
function setup() {
  const fake = new FakeSys();
  const watched = new Map<number, PollHandler>();
  const epoll = {
    add: (fd: number, _events: number, handler: PollHandler) => void watched.set(fd, handler),
    remove: (fd: number) => void watched.delete(fd),
  };
  const pipe = new StdinPipe(fake.calls, epoll);
  fake.openFds.add(50);
  pipe.open(new OwnedFd(50, fake.calls));
  return { fake, watched, pipe };
}

Deno.test("a write to a full pipe waits and continues when the pipe is writable", async () => {
  const { fake, watched, pipe } = setup();
  fake.script("write", { value: 2 }, { value: "again" });
  const written = pipe.write(BYTES);
  while (watched.size === 0) await Promise.resolve();
  watched.get(50)!(EPOLL.OUT);
  await written;
  assert.deepEqual(fake.argsOf("write").map(([, bytes]) => new TextDecoder().decode(bytes as Uint8Array)), [
    "input",
    "put",
    "put",
  ]);
  await pipe.close();
  assert.deepEqual([fake.openFds.size, watched.size], [0, 0]);
});

Deno.test("EPIPE of a pipe and EIO of a terminal drop the rest of the input and close the descriptor", async () => {
  for (const error of ["EPIPE", "EIO"] as const) {
    const { fake, pipe } = setup();
    fake.script("write", { value: 1 }, { error });
    await pipe.write(BYTES);
    await pipe.write(BYTES);
    assert.deepEqual([fake.argsOf("write").length, fake.openFds.size], [2, 0]);
  }
});

Deno.test("a full terminal that is hung up accepts no more input", async () => {
  const { fake, watched, pipe } = setup();
  fake.script("write", { value: "again" });
  const written = pipe.write(BYTES);
  while (watched.size === 0) await Promise.resolve();
  watched.get(50)!(EPOLL.HUP);
  await written;
  await pipe.write(BYTES);
  assert.deepEqual([fake.argsOf("write").length, fake.openFds.size, watched.size], [1, 0, 0]);
});

Deno.test("a waiting write resolves when the process has exited", async () => {
  const { fake, watched, pipe } = setup();
  fake.script("write", { value: "again" });
  const written = pipe.write(BYTES);
  while (watched.size === 0) await Promise.resolve();
  pipe.abandon();
  await written;
  assert.deepEqual([fake.openFds.size, watched.size], [0, 0]);
});

Deno.test("other errors reject the write", async () => {
  const { fake, pipe } = setup();
  fake.script("write", { error: "EBADF" });
  await assert.rejects(pipe.write(BYTES), (thrown) => isErrno(thrown, "EBADF"));
  pipe.abandon();
});
