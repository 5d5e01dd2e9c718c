import { strict as assert } from "node:assert";
import { LineLog } from "../../log.ts";
import type { FdHolderRef, HeldFds } from "../../runtime/fd_holder.ts";
import type { ProcessStdio } from "../../runtime/stdio.ts";
import { OwnedFd } from "../../sys/mod.ts";
import { containerPaths, type EnginePaths } from "../paths.ts";
import { FdHolders } from "./fd_holders.ts";

/** Keepers that are numbers only. */
class Fixture {
  readonly started: { held: HeldFds<number>; owner: string }[] = [];
  readonly stopped: number[] = [];
  readonly lines: string[] = [];
  readonly alive = new Map<number, { owner: string; end: () => void }>();
  searches = 0;
  fails = false;

  constructor(readonly paths: EnginePaths) {}

  fdHolders(): FdHolders {
    return new FdHolders({
      paths: this.paths,
      log: new LineLog((line) => this.lines.push(line)),
      fdHolders: {
        start: (held, owner) => {
          if (this.fails) throw new Error("no more processes");
          this.started.push({ held, owner });
          const pid = 100 + this.started.length;
          this.alive.set(pid, { owner, end: () => {} });
          return { pid, startTicks: "1" };
        },
        take: ({ pid }) => this.alive.has(pid) ? { pidFd: fd(pid) } : {},
        stop: ({ pid }) => {
          this.stopped.push(pid);
          this.alive.delete(pid);
        },
        search: (prefix) => {
          this.searches++;
          return [...this.alive].filter(([, { owner }]) => owner.startsWith(prefix))
            .map(([pid, { owner }]) => ({ pid, startTicks: "1", owner }));
        },
        ended: ({ pid }) => new Promise<void>((resolve) => this.alive.get(pid)!.end = resolve),
      },
    });
  }

  kill(pid: number): void {
    const { end } = this.alive.get(pid)!;
    this.alive.delete(pid);
    end();
  }
}

const fd = (number: number) => new OwnedFd(number, { close: () => {} });

function io(stdin?: { fd: number | undefined; closed: Promise<void> }): ProcessStdio {
  const heldFds = () => ({ stdout: 11, ...(stdin?.fd !== undefined && { stdin: stdin.fd }) });
  return { heldFds, stdin } as unknown as ProcessStdio;
}

async function withFixture(use: (fixture: Fixture) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  const paths: EnginePaths = { engineId: "x", dataRoot: dir, runDir: dir, cgroup: "x" };
  for (const id of ["a", "b"]) await Deno.mkdir(containerPaths(paths, id).bundle, { recursive: true });
  try {
    await use(new Fixture(paths));
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

async function until(condition: () => boolean): Promise<void> {
  for (const deadline = Date.now() + 15_000; !condition();) {
    assert.ok(Date.now() < deadline, "it doesn't happen");
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

Deno.test("keepers: the next engine finds a keeper by its file, and by its environment where that is gone", () =>
  withFixture(async (fixture) => {
    const first = fixture.fdHolders();
    first.start("a", fd(7), io());
    first.start("b", fd(8), io());
    await until(() => fixture.started.length === 2);
    const runDir = fixture.paths.runDir;
    assert.deepEqual(fixture.started.map(({ held, owner }) => ({ ...held, owner })), [
      { stdout: 11, pidFd: 7, owner: `${runDir}/containers/a` },
      { stdout: 11, pidFd: 8, owner: `${runDir}/containers/b` },
    ]);
    first.leave();
    await Deno.writeTextFile(`${containerPaths(fixture.paths, "b").bundle}/keeper`, "{ half a fi");
    const second = fixture.fdHolders();
    assert.deepEqual(second.take("a").fdHolder, { pid: 101, startTicks: "1" });
    assert.equal(fixture.searches, 0);
    assert.equal(second.take("b").fdHolder?.pid, 102);
    assert.deepEqual(second.take("c"), { held: {}, fdHolder: undefined });
    assert.equal(fixture.searches, 1);
    second.stop("a");
    assert.deepEqual(fixture.stopped, [101]);
  }));

Deno.test("keepers: one without the input takes the place of one that has it once it is closed", () =>
  withFixture(async (fixture) => {
    const closed = Promise.withResolvers<void>();
    const stdin = { fd: 9 as number | undefined, closed: closed.promise };
    const fdHolders = fixture.fdHolders();
    fdHolders.start("a", fd(7), io(stdin));
    assert.equal(fixture.started.length, 1, "a process with an input gets its fd holder in the same turn");
    assert.equal(fixture.started[0]!.held.stdin, 9);
    stdin.fd = undefined;
    closed.resolve();
    await until(() => fixture.stopped.length === 1);
    assert.deepEqual([fixture.started[1]!.held.stdin, fixture.stopped, [...fixture.alive.keys()]], [undefined, [101], [
      102,
    ]]);
    fdHolders.stop("a");
    assert.equal(fixture.alive.size, 0);
  }));

Deno.test("keepers: a killed one has a successor, but for a container that has ended", () =>
  withFixture(async (fixture) => {
    const fdHolders = fixture.fdHolders();
    fdHolders.start("a", fd(7), io());
    await until(() => fixture.started.length === 1);
    fixture.kill(101);
    await until(() => fixture.started.length === 2);
    assert.match(fixture.lines.join(), /keeper was killed/);
    fdHolders.stop("a");
    assert.deepEqual(fixture.stopped, [102]);
  }));

Deno.test("keepers: without one a container runs on, the log says so, and it gets one when that is possible", () =>
  withFixture(async (fixture) => {
    fixture.fails = true;
    const fdHolders = fixture.fdHolders();
    for (const id of ["a", "b"]) fdHolders.start(id, fd(7), io());
    await until(() => fixture.lines.length === 2);
    assert.match(fixture.lines[0]!, /a container has no keeper .*no more processes/);
    fdHolders.stop("a");
    assert.deepEqual(fixture.stopped, []);
    fixture.fails = false;
    await until(() => fixture.started.length === 1);
    fdHolders.stop("b");
    assert.deepEqual([fixture.started.length, fixture.stopped, fixture.lines.length], [1, [101], 2]);
  }));

Deno.test("keepers: those that nobody needs are swept away, others' aren't", () =>
  withFixture(async (fixture) => {
    const fdHolders = fixture.fdHolders();
    fdHolders.start("a", fd(7), io());
    await until(() => fixture.started.length === 1);
    const orphan: FdHolderRef = { pid: 55, startTicks: "1" };
    fixture.alive.set(orphan.pid, { owner: `${fixture.paths.runDir}/containers/gone`, end: () => {} });
    fixture.alive.set(56, { owner: "/run/tsd-other/containers/a", end: () => {} });
    fdHolders.sweep();
    assert.deepEqual(fixture.stopped, [55]);
    fdHolders.stop("a");
  }));
