import { strict as assert } from "node:assert";
import "../../sys/preopen.ts";
import type { ArchiveJob } from "../copy/protocol.ts";
import type { ArchiveSession } from "../copy/session.ts";
import { Container } from "../containers/container.ts";
import { fakeContainer } from "../containers/containers_testing.ts";
import { requestedMounts } from "../containers/mounts.ts";
import { namesIn } from "../directories.ts";
import { KeyedLock } from "../../async/keyed_lock.ts";
import { enginePaths, volumePaths } from "../paths.ts";
import { UnfinishedVolumes } from "./incomplete_volumes.ts";
import { VolumeFilling } from "./copy_up.ts";

/** A container with volumes as `-v` names them. */
function containerWith(...binds: string[]): Container {
  const { record, state } = fakeContainer();
  return new Container("c1", "web", 0, { ...record, mounts: requestedMounts({ Binds: binds }) }, state);
}

interface Rig {
  readonly filling: VolumeFilling;
  readonly unfinished: UnfinishedVolumes;
  data(name: string): string;
  /** Jobs of the Worker, which copies two files, or breaks off after the first. */
  readonly jobs: string[];
  breaksOff: boolean;
  /** Whether another container runs with each of the volumes. */
  isRun: boolean;
  /** Whether it begins while something is copied. */
  startsMeanwhile: boolean;
}

async function withRig(use: (rig: Rig) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "tsd-filling-" });
  try {
    const paths = await enginePaths(dir);
    const data = (name: string) => volumePaths(paths, name).data;
    for (const name of ["data", "bound"]) await Deno.mkdir(data(name), { recursive: true });
    const jobs: string[] = [];
    const copied = async ({ task }: ArchiveJob) => {
      if (task.kind !== "copy") throw new Error(task.kind);
      jobs.push(`${task.path}${task.replaces ? " again" : ""}`);
      await Deno.writeTextFile(`${task.to}/one`, "");
      rig.isRun ||= rig.startsMeanwhile;
      if (rig.breaksOff) throw new Error("broken off");
      await Deno.writeTextFile(`${task.to}/two`, "");
    };
    const held = { root: "/", [Symbol.asyncDispose]: () => Promise.resolve() };
    const unfinished = new UnfinishedVolumes(paths);
    const options = { type: "none", device: "/somewhere", o: "bind" };
    const filling = new VolumeFilling({
      paths,
      unfinished,
      table: { known: (name) => ({ name, createdMs: 0, labels: null, options: name === "bound" ? options : null }) },
      mounts: { holdAll: () => Promise.resolve(held), isRunWith: () => rig.isRun },
      snapshots: { hold: () => Promise.resolve(held) },
      workers: { begin: (job) => Promise.resolve({ ended: () => copied(job) } as unknown as ArchiveSession) },
      locks: new KeyedLock(),
    });
    const rig: Rig = { filling, unfinished, data, jobs, breaksOff: false, isRun: false, startsMeanwhile: false };
    await use(rig);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("an empty volume is filled once, also when two containers are made at a time", async () => {
  await withRig(async ({ filling, unfinished, jobs, data }) => {
    const container = containerWith("data:/x");
    await Promise.all([filling.fill(container), filling.fill(container)]);
    assert.deepEqual(jobs, ["/x"]);
    assert.equal(unfinished.has("data", "filling"), false);
    await filling.fill(containerWith("bound:/x:nocopy", "/host:/y"));
    await filling.finish(container);
    assert.deepEqual([jobs, await namesIn(data("bound"))], [["/x"], []]);
  });
});

Deno.test("half a copy counts as none: the next container that is made or started begins again", async () => {
  await withRig(async (rig) => {
    const { filling, unfinished, jobs, data } = rig;
    rig.breaksOff = true;
    await assert.rejects(filling.fill(containerWith("data:/x")), /broken off/);
    assert.equal(unfinished.has("data", "filling"), true);
    rig.breaksOff = false;
    await Deno.mkdir(`${data("data")}/other/deep`, { recursive: true });
    await filling.finish(containerWith("data:/y"));
    assert.deepEqual(jobs, ["/x", "/y again"]);
    assert.deepEqual((await namesIn(data("data"))).sort(), ["one", "two"]);
    assert.equal(unfinished.has("data", "filling"), false);
  });
});

Deno.test("who reads a volume, or wants it empty, sees nothing of half a copy", async () => {
  await withRig(async (rig) => {
    const { filling, unfinished, data } = rig;
    rig.breaksOff = true;
    for (const see of [() => filling.settle("data"), () => filling.finish(containerWith("data:/x:nocopy"))]) {
      await assert.rejects(filling.fill(containerWith("data:/x")));
      assert.deepEqual(await namesIn(data("data")), ["one"]);
      await see();
      assert.deepEqual(await namesIn(data("data")), []);
      assert.equal(unfinished.has("data", "filling"), false);
    }
  });
});

Deno.test("nothing is deleted of what a volume's options say: the copy goes over it", async () => {
  await withRig(async (rig) => {
    const { filling, jobs, data } = rig;
    rig.breaksOff = true;
    await assert.rejects(filling.fill(containerWith("bound:/x")));
    rig.breaksOff = false;
    await Deno.writeTextFile(`${data("bound")}/theirs`, "");
    await filling.finish(containerWith("bound:/x"));
    assert.deepEqual(jobs, ["/x", "/x again"]);
    assert.deepEqual((await namesIn(data("bound"))).sort(), ["one", "theirs", "two"]);
  });
});

Deno.test("what a running container has written stays, whatever becomes of the copy", async () => {
  for (const since of ["before", "meanwhile", "afterwards"]) {
    await withRig(async (rig) => {
      const { filling, unfinished, jobs, data } = rig;
      rig.breaksOff = true;
      rig.isRun = since === "before";
      rig.startsMeanwhile = since === "meanwhile";
      await assert.rejects(filling.fill(containerWith("data:/x")), /broken off/);
      assert.equal(unfinished.has("data", "filling"), since === "afterwards", since);
      rig.isRun = true;
      await Deno.writeTextFile(`${data("data")}/theirs`, "");
      await filling.fill(containerWith("data:/x"));
      assert.equal(unfinished.has("data", "filling"), false);
      rig.isRun = rig.startsMeanwhile = false;
      await filling.finish(containerWith("data:/x"));
      await filling.settle("data");
      assert.deepEqual(jobs, ["/x"]);
      assert.deepEqual((await namesIn(data("data"))).sort(), ["one", "theirs"]);
    });
  }
});

Deno.test("who reads half a copy that a container runs with sees what that sees", async () => {
  await withRig(async (rig) => {
    rig.breaksOff = true;
    await assert.rejects(rig.filling.fill(containerWith("data:/x")));
    rig.isRun = true;
    await rig.filling.settle("data");
    assert.deepEqual(await namesIn(rig.data("data")), ["one"]);
    assert.equal(rig.unfinished.has("data", "filling"), false);
  });
});
