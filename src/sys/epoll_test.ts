import { strict as assert } from "node:assert";
import "./preopen_testing.ts";
import { EPOLL, Epoll, files, isErrno, OwnedFd, pipes } from "./mod.ts";
import { FakeSys } from "./fake_testing.ts";

const unexpected = (thrown: unknown) => assert.fail(String(thrown));
const ONE = new Uint8Array([1]);

function pipe(): { reader: OwnedFd; writer: OwnedFd } & Disposable {
  const { readFd, writeFd } = pipes.pipe2();
  const [reader, writer] = [new OwnedFd(readFd), new OwnedFd(writeFd)];
  return {
    reader,
    writer,
    [Symbol.dispose]() {
      reader.close();
      writer.close();
    },
  };
}

/** Resolves once all events that were pending at the call have been handled. */
async function fence(epoll: Epoll): Promise<void> {
  using ends = pipe();
  const { promise, resolve } = Promise.withResolvers<void>();
  epoll.add(ends.reader.fd, EPOLL.IN, () => {
    epoll.remove(ends.reader.fd);
    resolve();
  });
  files.write(ends.writer.fd, ONE);
  await promise;
}

Deno.test("Epoll: handlers receive readability and hang-up", async () => {
  using ends = pipe();
  await using epoll = new Epoll({ onHandlerError: unexpected });
  const received: number[] = [];
  const ended = Promise.withResolvers<void>();
  epoll.add(ends.reader.fd, EPOLL.IN, (events) => {
    received.push(events);
    if (files.read(ends.reader.fd, new Uint8Array(8)) !== 0) return ends.writer.close();
    epoll.remove(ends.reader.fd);
    ended.resolve();
  });
  assert.equal(epoll.size, 1);
  epoll.run();
  files.write(ends.writer.fd, ONE);
  await ended.promise;
  assert.deepEqual([received[0] & EPOLL.IN, received[1] & EPOLL.HUP], [EPOLL.IN, EPOLL.HUP]);
  assert.equal(epoll.size, 0);
});

Deno.test("Epoll: close stops a waiting loop or one that never ran, and leaves no descriptor open", async () => {
  const before = [...Deno.readDirSync("/proc/self/fd")].length;
  const idle = new Epoll({ onHandlerError: unexpected });
  await idle.close();
  const waiting = new Epoll({ onHandlerError: unexpected });
  const loop = waiting.run();
  assert.equal(waiting.run(), loop, "there is one loop");
  await fence(waiting);
  await waiting.close();
  await waiting.close();
  await loop;
  assert.equal([...Deno.readDirSync("/proc/self/fd")].length, before);
});

Deno.test("Epoll: close may be called from a handler", async () => {
  using ends = pipe();
  const epoll = new Epoll({ onHandlerError: unexpected });
  let closed: Promise<void> | undefined;
  epoll.add(ends.reader.fd, EPOLL.IN, () => closed = epoll.close());
  const loop = epoll.run();
  files.write(ends.writer.fd, ONE);
  await loop;
  await closed;
});

Deno.test("Epoll: a handler that throws is reported and the loop goes on", async () => {
  using ends = pipe();
  const reported: unknown[] = [];
  const second = Promise.withResolvers<void>();
  await using epoll = new Epoll({ onHandlerError: (thrown, fd) => reported.push(thrown, fd) });
  epoll.add(ends.reader.fd, EPOLL.IN, () => {
    files.read(ends.reader.fd, new Uint8Array(1));
    if (reported.length === 0) throw new Error("once");
    second.resolve();
  });
  epoll.run();
  files.write(ends.writer.fd, new Uint8Array([1, 2]));
  await second.promise;
  assert.equal(reported[1], ends.reader.fd);
});

Deno.test("Epoll: modify disables and enables events; adding a descriptor twice fails", async () => {
  using ends = pipe();
  let calls = 0;
  const called = Promise.withResolvers<void>();
  await using epoll = new Epoll({ onHandlerError: unexpected });
  epoll.add(ends.reader.fd, 0, () => {
    calls++;
    epoll.remove(ends.reader.fd);
    called.resolve();
  });
  assert.throws(() => epoll.add(ends.reader.fd, EPOLL.IN, () => {}), (e) => isErrno(e, "EEXIST"));
  epoll.run();
  files.write(ends.writer.fd, ONE);
  await fence(epoll);
  assert.equal(calls, 0);
  epoll.modify(ends.reader.fd, EPOLL.IN);
  await called.promise;
  assert.equal(calls, 1);
  assert.throws(() => epoll.modify(ends.reader.fd, EPOLL.IN), (e) => isErrno(e, "ENOENT"));
});

Deno.test("Epoll: a pending event for a reused descriptor number does not reach the new handler", async () => {
  const fake = new FakeSys();
  const tags: bigint[] = [];
  fake.script("epollChange", { run: () => undefined }, { run: (_e, _c, _fd, _events, tag) => void tags.push(tag) });
  const wait = Promise.withResolvers<readonly { tag: bigint; events: number }[]>();
  fake.script("epollWait", { run: () => wait.promise });
  const epoll = new Epoll({ onHandlerError: unexpected, calls: fake.calls, files: fake.calls });
  const called: string[] = [];
  epoll.add(7, EPOLL.IN, () => called.push("old"));
  const loop = epoll.run();
  epoll.remove(7);
  epoll.add(7, EPOLL.IN, () => called.push("new"));
  fake.script("epollWait", {
    run: () => {
      const closing = epoll.close();
      return Promise.resolve([]).finally(() => void closing);
    },
  });
  wait.resolve([{ tag: tags[0], events: EPOLL.IN }]);
  await loop;
  await epoll.close();
  assert.deepEqual(called, []);
  assert.equal(fake.openFds.size, 0);
});
