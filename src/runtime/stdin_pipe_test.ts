import { strict as assert } from "node:assert";
import { FakeSys } from "../sys/fake.ts";
import { EPOLL, isErrno, OwnedFd, type PollHandler } from "../sys/mod.ts";
import { StdinPipe } from "./stdin_pipe.ts";

const BYTES = new TextEncoder().encode("input");

/** A pipe on a fake descriptor, and what it waits for. */
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

Deno.test("a full pipe is waited for; the rest is written when there is room", async () => {
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

Deno.test("nobody reads any more, EPIPE of a pipe and EIO of a terminal: the rest is dropped and the descriptor closed", async () => {
  for (const error of ["EPIPE", "EIO"] as const) {
    const { fake, pipe } = setup();
    fake.script("write", { value: 1 }, { error });
    await pipe.write(BYTES);
    await pipe.write(BYTES);
    assert.deepEqual([fake.argsOf("write").length, fake.openFds.size], [2, 0]);
  }
});

Deno.test("a full terminal that is hung up takes no more", async () => {
  const { fake, watched, pipe } = setup();
  fake.script("write", { value: "again" });
  const written = pipe.write(BYTES);
  while (watched.size === 0) await Promise.resolve();
  watched.get(50)!(EPOLL.HUP);
  await written;
  await pipe.write(BYTES);
  assert.deepEqual([fake.argsOf("write").length, fake.openFds.size, watched.size], [1, 0, 0]);
});

Deno.test("a writer that waits is let go when the process is gone", async () => {
  const { fake, watched, pipe } = setup();
  fake.script("write", { value: "again" });
  const written = pipe.write(BYTES);
  while (watched.size === 0) await Promise.resolve();
  pipe.abandon();
  await written;
  assert.deepEqual([fake.openFds.size, watched.size], [0, 0]);
});

Deno.test("other errors are the writer's", async () => {
  const { fake, pipe } = setup();
  fake.script("write", { error: "EBADF" });
  await assert.rejects(pipe.write(BYTES), (thrown) => isErrno(thrown, "EBADF"));
  pipe.abandon();
});
