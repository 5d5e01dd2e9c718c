import { strict as assert } from "node:assert";
import "../sys/preopen.ts";
import { NeedsProcessError, OutputClosedError } from "../cli/mod.ts";
import { files, OwnedFd, pipes, SysError } from "../sys/mod.ts";
import type { Caller } from "./caller.ts";
import { CallerTerminal } from "./caller_terminal.ts";

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

interface Write {
  readonly fd: number;
  readonly text: string;
  take(size?: number): void;
  again(): void;
  fail(thrown: unknown): void;
}

/** A terminal whose writes wait until the test lets them go. */
class Rig implements Disposable {
  readonly gone = new AbortController();
  readonly told: string[] = [];
  readonly writes: Write[] = [];
  readonly terminal: CallerTerminal;
  readonly streams: Record<"stdout" | "stderr", OwnedFd | undefined>;
  /** Descriptors that were closed. */
  readonly closed: number[] = [];
  ignored: Deno.Signal | undefined;
  opened = 0;

  constructor(streams: readonly ("stdout" | "stderr")[] = ["stdout", "stderr"]) {
    const close = (fd: number) => void this.closed.push(fd);
    this.streams = {
      stdout: streams.includes("stdout") ? new OwnedFd(1001, { close }) : undefined,
      stderr: streams.includes("stderr") ? new OwnedFd(1002, { close }) : undefined,
    };
    const caller: Pick<Caller, "gone" | "cwd" | "env" | "stream" | "ignores" | "ageMs"> = {
      gone: this.gone.signal,
      cwd: "/home/caller",
      env: (name) => name === "HOME" ? "/home/caller" : undefined,
      ageMs: () => 42,
      ignores: (signals) => signals.some((signal) => signal === this.ignored),
      stream: (name) => {
        this.opened++;
        return this.streams[name];
      },
    };
    const writeAway = (fd: number, bytes: Uint8Array) =>
      new Promise<number | "again">((resolve, reject) =>
        this.writes.push({
          ...{ fd, text: text(bytes), fail: reject, again: () => resolve("again") },
          take: (size = bytes.length) => resolve(size),
        })
      );
    this.terminal = new CallerTerminal(caller as Caller, { writeAway }, (line) => this.told.push(line));
  }

  /** Writes that have begun, once everything has come to rest. */
  async begun(): Promise<Write[]> {
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
    return this.writes;
  }

  [Symbol.dispose](): void {
    this.terminal[Symbol.dispose]();
  }
}

Deno.test("writes: one after the other, each stream for itself, until all is taken", async () => {
  using rig = new Rig();
  const done: string[] = [];
  const note = (name: string) => () => void done.push(name);
  const all = [
    rig.terminal.out("one").then(note("one")),
    rig.terminal.out(new Uint8Array([50])).then(note("2")),
    rig.terminal.err("error").then(note("error")),
  ];
  assert.deepEqual((await rig.begun()).map(({ fd, text }) => [fd, text]), [[1001, "one"], [1002, "error"]]);
  rig.writes[0]!.take(1);
  assert.equal((await rig.begun())[2]?.text, "ne");
  rig.writes[2]!.take();
  rig.writes[1]!.take();
  assert.equal((await rig.begun())[3]?.text, "2");
  assert.deepEqual(done.sort(), ["error", "one"]);
  rig.writes[3]!.take();
  await Promise.all(all);
  assert.deepEqual([rig.opened, done.at(-1)], [2, "2"]);
  await rig.terminal.out("");
});

Deno.test("writes: a pipe that somebody has made non-blocking is tried again", async () => {
  using rig = new Rig();
  const written = rig.terminal.out("text");
  (await rig.begun())[0]!.again();
  while (rig.writes.length < 2) await new Promise((resolve) => setTimeout(resolve, 1));
  assert.equal(rig.writes[1]!.text, "text");
  rig.writes[1]!.take();
  await written;
});

Deno.test("writes: nobody reads any more, or there never was such a stream", async () => {
  for (const name of ["EPIPE", "EIO"] as const) {
    using rig = new Rig(["stdout"]);
    const written = rig.terminal.out("text");
    (await rig.begun())[0]!.fail(SysError.named("write", name));
    await assert.rejects(written, OutputClosedError);
    await assert.rejects(rig.terminal.err("text"), OutputClosedError);
    // A failed write doesn't keep the next one from being tried.
    const next = rig.terminal.out("more");
    (await rig.begun())[1]!.take();
    await next;
  }
});

Deno.test("writes: a disk that is full is a failure, in the words of a process of its own", async () => {
  using rig = new Rig();
  const written = rig.terminal.out("text");
  (await rig.begun())[0]!.fail(SysError.named("write", "ENOSPC"));
  await assert.rejects(written, { message: "No space left on device (os error 28)" });
});

Deno.test("writes: where the caller ends, the command does at once, and the descriptor stays until it was used", async () => {
  using rig = new Rig();
  const both = [rig.terminal.out("stuck"), rig.terminal.out("queued")];
  const settled = Promise.allSettled(both);
  await rig.begun();
  rig.gone.abort();
  for (const { status, reason } of await settled as PromiseRejectedResult[]) {
    assert.equal(status, "rejected");
    assert.ok(reason instanceof OutputClosedError);
  }
  assert.equal(rig.writes.length, 1);
  await assert.rejects(rig.terminal.err("text"), OutputClosedError);
  rig.terminal[Symbol.dispose]();
  await rig.begun();
  assert.deepEqual(rig.closed, []);
  rig.writes[0]!.take();
  await rig.begun();
  assert.deepEqual(rig.closed, [1001]);
  assert.equal(rig.writes.length, 1);
});

Deno.test("the end: what nobody has waited for is not begun with a descriptor that is closed", async () => {
  const rig = new Rig();
  const both = [rig.terminal.out("under way"), rig.terminal.out("queued"), rig.terminal.err("queued as well")];
  const settled = Promise.allSettled(both);
  assert.equal((await rig.begun()).length, 2);
  rig.terminal[Symbol.dispose]();
  rig.writes[0]!.take(3);
  await rig.begun();
  assert.deepEqual(rig.closed, []);
  rig.writes[1]!.take();
  assert.deepEqual((await settled).map(({ status }) => status), ["rejected", "rejected", "fulfilled"]);
  await rig.begun();
  assert.deepEqual(rig.closed.sort(), [1001, 1002]);
  assert.equal(rig.writes.length, 2);
  await assert.rejects(rig.terminal.out("late"), OutputClosedError);
  // A second time does nothing.
  rig.terminal[Symbol.dispose]();
  await rig.begun();
});

Deno.test("the end: descriptors close at once where nothing is under way", async () => {
  const rig = new Rig();
  const written = rig.terminal.out("text");
  (await rig.begun())[0]!.take();
  await written;
  await rig.begun();
  rig.terminal[Symbol.dispose]();
  assert.deepEqual(rig.closed, [1001]);
});

Deno.test("signals: the caller is told to catch them, and handlers hear of them until they are taken back", () => {
  using rig = new Rig();
  const heard: string[] = [];
  assert.equal(rig.terminal.handlesSignals, false);
  const handling = rig.terminal.onSignal(["SIGINT", "SIGUSR1"], (signal) => heard.push(signal));
  assert.deepEqual(rig.told, ["catch INT USR1"]);
  assert.equal(rig.terminal.handlesSignals, true);
  for (const signal of ["SIGINT", "SIGTERM", "SIGUSR1"] as const) rig.terminal.signalled(signal);
  handling[Symbol.dispose]();
  rig.terminal.signalled("SIGINT");
  assert.deepEqual(heard, ["SIGINT", "SIGUSR1"]);
  assert.equal(rig.terminal.handlesSignals, false);
});

Deno.test("signals: a caller that was started without them does the command itself", () => {
  using rig = new Rig();
  rig.ignored = "SIGINT";
  rig.terminal.needSignals(["SIGHUP", "SIGTERM"]);
  assert.equal(rig.terminal.leaves, false);
  assert.throws(() => rig.terminal.needSignals(["SIGHUP", "SIGINT"]), NeedsProcessError);
  rig.ignored = "SIGQUIT";
  rig.terminal.needSignals(["SIGINT", "SIGQUIT"]);
  assert.equal(rig.terminal.leaves, true);
});

Deno.test("a command that needs a process says nothing more here", async () => {
  const rigs: ((terminal: CallerTerminal) => unknown)[] = [
    (terminal) => terminal.stdin,
    (terminal) => terminal.isTty("stdin"),
    (terminal) => terminal.setRaw(),
    (terminal) => terminal.needProcess(),
  ];
  for (const use of rigs) {
    using rig = new Rig();
    assert.throws(() => use(rig.terminal), NeedsProcessError);
    assert.equal(rig.terminal.leaves, true);
    await rig.terminal.err("The engine closed the connection");
    assert.deepEqual([rig.writes, rig.told], [[], []]);
  }
});

Deno.test("what goes on with a command is told in words that a shell takes as they are", () => {
  using rig = new Rig();
  rig.terminal.resumeAs(["__resume", "--rm=true", "run", "c0ffee"]);
  assert.deepEqual(rig.told, ["resume __resume --rm=true run c0ffee"]);
  for (const odd of ["", "a b", "$x", "*", "`x`", "a\nexit 0", "'", "ä", "a;b", "~"]) {
    assert.throws(() => rig.terminal.resumeAs(["__resume", odd]), /Nothing that a shell would take as it is/, odd);
  }
  assert.equal(rig.told.length, 1);
});

Deno.test("the caller's own surroundings", () => {
  using rig = new Rig();
  const { terminal } = rig;
  assert.deepEqual([terminal.cwd(), terminal.env("HOME"), terminal.env("PATH")], [
    "/home/caller",
    "/home/caller",
    undefined,
  ]);
  assert.equal(terminal.callerAgeMs(), 42);
  assert.equal(terminal.host, terminal);
  // No descriptor of that number is a terminal.
  assert.deepEqual([terminal.size(), terminal.isTty("stdout"), terminal.isTty("stderr")], [undefined, false, false]);
});

Deno.test("writes to real pipes: one that is full waits elsewhere; one that nobody reads is closed", async () => {
  const { readFd, writeFd } = pipes.pipe2();
  using reader = new OwnedFd(readFd);
  using writer = new OwnedFd(writeFd);
  const caller = { gone: new AbortController().signal, stream: () => new OwnedFd(pipes.duplicate(writer.fd)) };
  using terminal = new CallerTerminal(caller as unknown as Caller, pipes, () => {});
  const bytes = Uint8Array.from({ length: 300_000 }, (_, n) => n % 251);
  pipes.setNonBlocking(reader.fd, true);
  for (const isNonBlocking of [false, true]) {
    pipes.setNonBlocking(writer.fd, isNonBlocking);
    const written = terminal.out(bytes);
    const read = new Uint8Array(bytes.length);
    for (let at = 0; at < read.length;) {
      const size = files.read(reader.fd, read.subarray(at));
      if (size === "again") await new Promise((resolve) => setTimeout(resolve, 0));
      else at += size;
    }
    await written;
    assert.deepEqual(read, bytes);
  }
  pipes.setNonBlocking(writer.fd, false);
  const stuck = terminal.out(bytes);
  stuck.catch(() => undefined);
  await new Promise((resolve) => setTimeout(resolve, 0));
  reader.close();
  await assert.rejects(stuck, OutputClosedError);
});
