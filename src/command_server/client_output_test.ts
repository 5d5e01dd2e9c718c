import { strict as assert } from "node:assert";
import "../sys/preopen_testing.ts";
import { OutputClosedError } from "../cli/mod.ts";
import { cString, Epoll, files, O, OwnedFd, pipes } from "../sys/mod.ts";
import { ClientOutput } from "./client_output.ts";

const bytesOf = (text: string) => new TextEncoder().encode(text);
/** More than the capacity of a pipe. */
const MUCH = Uint8Array.from({ length: 300_000 }, (_, n) => n % 251);

interface Setup {
  readonly disconnected: AbortController;
  readonly epoll: Epoll;
  stopped: boolean;
  output(shared: OwnedFd): ClientOutput;
}

async function withOutputs(use: (setup: Setup) => Promise<void>): Promise<void> {
  const before = descriptors();
  {
    await using epoll = new Epoll({ onHandlerError: (thrown) => assert.fail(String(thrown)) });
    void epoll.run();
    const setup: Setup = {
      ...{ disconnected: new AbortController(), epoll, stopped: false },
      output(shared) {
        return new ClientOutput(shared, {
          epoll,
          disconnected: setup.disconnected.signal,
          isStopped: () => setup.stopped,
        });
      },
    };
    await use(setup);
    await turn();
  }
  assert.equal(descriptors(), before, "descriptors that are left open");
}

const descriptors = () => [...Deno.readDirSync("/proc/self/fd")].length;
const turn = () => new Promise((resolve) => setTimeout(resolve, 0));

function pipe(): { readonly reader: OwnedFd; readonly writer: OwnedFd } {
  const { readFd, writeFd } = pipes.pipe2();
  pipes.setNonBlocking(readFd, true);
  return { reader: new OwnedFd(readFd), writer: new OwnedFd(writeFd) };
}

async function read(fd: number, size: number): Promise<Uint8Array> {
  const all = new Uint8Array(size);
  for (let at = 0; at < size;) {
    const count = files.read(fd, all.subarray(at));
    if (count === "again") await turn();
    else at += count;
  }
  return all;
}

Deno.test("pipe: everything in order, whether blocking or not; only the writer waits", () =>
  withOutputs(async (setup) => {
    for (const isNonBlocking of [false, true]) {
      const { reader, writer } = pipe();
      using _reader = reader;
      using other = new OwnedFd(pipes.duplicate(writer.fd));
      pipes.setNonBlocking(other.fd, isNonBlocking);
      using output = setup.output(writer);
      const written = [output.write(MUCH), output.write(bytesOf("end"))];
      assert.deepEqual(await read(reader.fd, MUCH.length), MUCH);
      assert.deepEqual(await read(reader.fd, 3), bytesOf("end"));
      await Promise.all(written);
      assert.equal(output.size, undefined);
    }
  }));

Deno.test("pipe: the reader has closed, before or during a write", () =>
  withOutputs(async (setup) => {
    const { reader, writer } = pipe();
    using output = setup.output(writer);
    const written = output.write(MUCH);
    await turn();
    reader.close();
    await assert.rejects(written, OutputClosedError);
    const ends = pipe();
    ends.reader.close();
    using late = setup.output(ends.writer);
    await assert.rejects(late.write(bytesOf("x")), OutputClosedError);
  }));

Deno.test("pipe: the client's exit cancels all writes, and no descriptor is leaked", () =>
  withOutputs(async (setup) => {
    const { reader, writer } = pipe();
    using _reader = reader;
    using output = setup.output(writer);
    const both = Promise.allSettled([output.write(MUCH), output.write(MUCH)]);
    await turn();
    setup.disconnected.abort();
    assert.ok((await both).every(({ status }) => status === "rejected"));
    await assert.rejects(output.write(bytesOf("x")), OutputClosedError);
    assert.equal(setup.epoll.size, 0);
  }));

Deno.test("pipe: disposing does not wait for unread output", () =>
  withOutputs(async (setup) => {
    const { reader, writer } = pipe();
    using _reader = reader;
    const output = setup.output(writer);
    const stuck = output.write(MUCH);
    await turn();
    output[Symbol.dispose]();
    await assert.rejects(stuck, OutputClosedError);
    assert.equal(setup.epoll.size, 0);
    output[Symbol.dispose]();
  }));

Deno.test("file: the offset is shared with the client; a full disk has the error of a separate process", () =>
  withOutputs(async (setup) => {
    const path = await Deno.makeTempFile();
    try {
      const file = new OwnedFd(files.open(cString(path), O.WRONLY));
      using other = new OwnedFd(pipes.duplicate(file.fd));
      using output = setup.output(file);
      await output.write(bytesOf("one\n"));
      files.write(other.fd, bytesOf("two\n"));
      await Promise.all([output.write(bytesOf("three\n")), output.write(bytesOf("four\n"))]);
      assert.equal(await Deno.readTextFile(path), "one\ntwo\nthree\nfour\n");
    } finally {
      await Deno.remove(path);
    }
    using full = setup.output(new OwnedFd(files.open(cString("/dev/full"), O.WRONLY)));
    await assert.rejects(full.write(bytesOf("x")), { message: "No space left on device (os error 28)" });
    using nothing = setup.output(new OwnedFd(files.open(cString("/dev/null"), O.WRONLY)));
    await nothing.write(MUCH);
  }));

Deno.test("socket: everything is written without blocking", () =>
  withOutputs(async (setup) => {
    const path = await Deno.makeTempFile();
    await Deno.remove(path);
    using listener = Deno.listen({ transport: "unix", path });
    using near = await Deno.connect({ transport: "unix", path });
    using far = await listener.accept();
    // Deno does not expose descriptors: it is the newest one of a socket.
    const numbers = [...Deno.readDirSync("/proc/self/fd")].map(({ name }) => Number(name)).sort((a, b) => a - b);
    const sockets = numbers.filter((fd) => {
      try {
        return Deno.readLinkSync(`/proc/self/fd/${fd}`).startsWith("socket:");
      } catch {
        return false; // The directory's own descriptor, closed after reading it.
      }
    });
    using output = setup.output(new OwnedFd(pipes.duplicate(sockets.at(-1)!)));
    const written = output.write(MUCH);
    const all: number[] = [];
    const chunk = new Uint8Array(65_536);
    while (all.length < MUCH.length) {
      const count = await near.read(chunk);
      assert.ok(count !== null);
      all.push(...chunk.subarray(0, count));
    }
    await written;
    assert.deepEqual(Uint8Array.from(all), MUCH);
    void far;
    await Deno.remove(path);
  }));

Deno.test("terminal: its size; nothing is written while the client is stopped", () =>
  withOutputs(async (setup) => {
    using master = new OwnedFd(files.open(cString("/dev/ptmx"), O.RDWR | O.NOCTTY | O.NONBLOCK));
    using output = setup.output(new OwnedFd(pipes.duplicate(master.fd)));
    assert.deepEqual(output.size, { rows: 0, columns: 0 });
    setup.stopped = true;
    let isWritten = false;
    const written = output.write(bytesOf("x")).then(() => isWritten = true, () => isWritten = true);
    await turn();
    assert.equal(isWritten, false);
    setup.stopped = false;
    await written;
  }));
