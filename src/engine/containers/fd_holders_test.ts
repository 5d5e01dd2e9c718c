import { strict as assert } from "node:assert";
import { LineLog } from "../../log.ts";
import type { Held, KeeperRef } from "../../runtime/fd_holder.ts";
import type { ProcessIo } from "../../runtime/stdio.ts";
import { OwnedFd } from "../../sys/mod.ts";
import { containerPaths, type EnginePaths } from "../paths.ts";
import { Keepers } from "./fd_holders.ts";

/** Keepers that are numbers only. */
class World {
  readonly started: { held: Held<number>; owner: string }[] = [];
  readonly stopped: number[] = [];
  readonly lines: string[] = [];
  readonly alive = new Map<number, { owner: string; end: () => void }>();
  searches = 0;
  fails = false;

  constructor(readonly paths: EnginePaths) {}

  keepers(): Keepers {
    return new Keepers({
      paths: this.paths,
      log: new LineLog((line) => this.lines.push(line)),
      keepers: {
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

function io(stdin?: { fd: number | undefined; closed: Promise<void> }): ProcessIo {
  const heldFds = () => ({ stdout: 11, ...(stdin?.fd !== undefined && { stdin: stdin.fd }) });
  return { heldFds, stdin } as unknown as ProcessIo;
}

async function withWorld(use: (world: World) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  const paths: EnginePaths = { engineId: "x", dataRoot: dir, runDir: dir, cgroup: "x" };
  for (const id of ["a", "b"]) await Deno.mkdir(containerPaths(paths, id).bundle, { recursive: true });
  try {
    await use(new World(paths));
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
  withWorld(async (world) => {
    const first = world.keepers();
    first.start("a", fd(7), io());
    first.start("b", fd(8), io());
    await until(() => world.started.length === 2);
    const runDir = world.paths.runDir;
    assert.deepEqual(world.started.map(({ held, owner }) => ({ ...held, owner })), [
      { stdout: 11, pidFd: 7, owner: `${runDir}/containers/a` },
      { stdout: 11, pidFd: 8, owner: `${runDir}/containers/b` },
    ]);
    first.leave();
    await Deno.writeTextFile(`${containerPaths(world.paths, "b").bundle}/keeper`, "{ half a fi");
    const second = world.keepers();
    assert.deepEqual(second.take("a").keeper, { pid: 101, startTicks: "1" });
    assert.equal(world.searches, 0);
    assert.equal(second.take("b").keeper?.pid, 102);
    assert.deepEqual(second.take("c"), { held: {}, keeper: undefined });
    assert.equal(world.searches, 1);
    second.stop("a");
    assert.deepEqual(world.stopped, [101]);
  }));

Deno.test("keepers: one without the input takes the place of one that has it once it is closed", () =>
  withWorld(async (world) => {
    const closed = Promise.withResolvers<void>();
    const stdin = { fd: 9 as number | undefined, closed: closed.promise };
    const keepers = world.keepers();
    keepers.start("a", fd(7), io(stdin));
    await until(() => world.started.length === 1);
    assert.equal(world.started[0]!.held.stdin, 9);
    stdin.fd = undefined;
    closed.resolve();
    await until(() => world.stopped.length === 1);
    assert.deepEqual([world.started[1]!.held.stdin, world.stopped, [...world.alive.keys()]], [undefined, [101], [102]]);
    keepers.stop("a");
    assert.equal(world.alive.size, 0);
  }));

Deno.test("keepers: a killed one has a successor, but for a container that has ended", () =>
  withWorld(async (world) => {
    const keepers = world.keepers();
    keepers.start("a", fd(7), io());
    await until(() => world.started.length === 1);
    world.kill(101);
    await until(() => world.started.length === 2);
    assert.match(world.lines.join(), /keeper was killed/);
    keepers.stop("a");
    assert.deepEqual(world.stopped, [102]);
  }));

Deno.test("keepers: without one a container runs on, the log says so, and it gets one when that is possible", () =>
  withWorld(async (world) => {
    world.fails = true;
    const keepers = world.keepers();
    for (const id of ["a", "b"]) keepers.start(id, fd(7), io());
    await until(() => world.lines.length === 2);
    assert.match(world.lines[0]!, /a container has no keeper .*no more processes/);
    keepers.stop("a");
    assert.deepEqual(world.stopped, []);
    world.fails = false;
    await until(() => world.started.length === 1);
    keepers.stop("b");
    assert.deepEqual([world.started.length, world.stopped, world.lines.length], [1, [101], 2]);
  }));

Deno.test("keepers: those that nobody needs are swept away, others' aren't", () =>
  withWorld(async (world) => {
    const keepers = world.keepers();
    keepers.start("a", fd(7), io());
    await until(() => world.started.length === 1);
    const orphan: KeeperRef = { pid: 55, startTicks: "1" };
    world.alive.set(orphan.pid, { owner: `${world.paths.runDir}/containers/gone`, end: () => {} });
    world.alive.set(56, { owner: "/run/tsd-other/containers/a", end: () => {} });
    keepers.sweep();
    assert.deepEqual(world.stopped, [55]);
    keepers.stop("a");
  }));
