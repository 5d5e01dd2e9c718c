import { strict as assert } from "node:assert";
import "../../sys/preopen_testing.ts";
import { TsdError } from "../../errors.ts";
import { files, metadata } from "../../sys/mod.ts";
import type { CopyJob } from "../copy/protocol.ts";
import type { CopySession } from "../copy/session.ts";
import { Container } from "../model/container.ts";
import { fakeContainer } from "../containers/containers_testing.ts";
import { requestedMounts } from "../model/mounts.ts";
import { namesIn } from "../directories.ts";
import { KeyedLock } from "../../async/keyed_lock.ts";
import { enginePaths, volumePaths } from "../paths.ts";
import { IncompleteVolumes } from "./incomplete_volumes.ts";
import { CopyUp } from "./copy_up.ts";

/** A container with volumes as `-v` names them. */
function containerWith(...binds: string[]): Container {
  const { record, state } = fakeContainer();
  return new Container("c1", "web", 0, { ...record, mounts: requestedMounts({ Binds: binds }) }, state);
}

/** A container that mounts part of the volume `data`. */
function containerWithPart(subpath: string, target = "/x"): Container {
  const { record, state } = fakeContainer();
  const mount = { Type: "volume", Source: "data", Target: target, VolumeOptions: { Subpath: subpath } } as const;
  return new Container("c1", "web", 0, { ...record, mounts: requestedMounts({ Mounts: [mount] }) }, state);
}

interface Setup {
  readonly filling: CopyUp;
  readonly incomplete: IncompleteVolumes;
  data(name: string): string;
  /** Jobs of the Worker, which copies two files, or breaks off after the first. */
  readonly jobs: string[];
  breaksOff: boolean;
  /** Whether another container runs with each of the volumes. */
  isRun: boolean;
  /** Whether it begins while something is copied. */
  startsMeanwhile: boolean;
}

async function withSetup(use: (setup: Setup) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "tsd-filling-" });
  try {
    const paths = await enginePaths(dir);
    const data = (name: string) => volumePaths(paths, name).data;
    for (const name of ["data", "bound"]) await Deno.mkdir(data(name), { recursive: true });
    const jobs: string[] = [];
    const copied = async ({ task }: CopyJob) => {
      if (task.kind === "stat" && task.path === "/missing") throw new TsdError("not_found", "there is no such file");
      if (task.kind === "stat") return;
      if (task.kind !== "copy") throw new Error(task.kind);
      jobs.push(`${task.path}${task.replaces ? " again" : ""}`);
      await Deno.writeTextFile(`${task.to}/one`, "");
      setup.isRun ||= setup.startsMeanwhile;
      if (setup.breaksOff) throw new Error("broken off");
      await Deno.writeTextFile(`${task.to}/two`, "");
    };
    const held = { root: "/", [Symbol.asyncDispose]: () => Promise.resolve() };
    const incomplete = new IncompleteVolumes(paths);
    const options = { type: "none", device: "/somewhere", o: "bind" };
    const filling = new CopyUp({
      paths,
      incomplete,
      table: { known: (name) => ({ name, createdMs: 0, labels: null, options: name === "bound" ? options : null }) },
      mounts: { holdAll: () => Promise.resolve(held), isRunWith: () => setup.isRun },
      snapshots: { hold: () => Promise.resolve(held) },
      workers: { begin: (job) => Promise.resolve({ ended: () => copied(job) } as unknown as CopySession) },
      calls: { files, metadata },
      locks: new KeyedLock(),
    });
    const setup: Setup = { filling, incomplete, data, jobs, breaksOff: false, isRun: false, startsMeanwhile: false };
    await use(setup);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("an empty volume is filled once, also when two containers are made at a time", async () => {
  await withSetup(async ({ filling, incomplete, jobs, data }) => {
    const container = containerWith("data:/x");
    await Promise.all([filling.fill(container), filling.fill(container)]);
    assert.deepEqual(jobs, ["/x"]);
    assert.equal(incomplete.has("data", "filling"), false);
    await filling.fill(containerWith("bound:/x:nocopy", "/host:/y"));
    await filling.finish(container);
    assert.deepEqual([jobs, await namesIn(data("bound"))], [["/x"], []]);
  });
});

Deno.test("half a copy counts as none: the next container that is made or started begins again", async () => {
  await withSetup(async (setup) => {
    const { filling, incomplete, jobs, data } = setup;
    setup.breaksOff = true;
    await assert.rejects(filling.fill(containerWith("data:/x")), /broken off/);
    assert.equal(incomplete.has("data", "filling"), true);
    setup.breaksOff = false;
    await Deno.mkdir(`${data("data")}/other/deep`, { recursive: true });
    await filling.finish(containerWith("data:/y"));
    assert.deepEqual(jobs, ["/x", "/y again"]);
    assert.deepEqual((await namesIn(data("data"))).sort(), ["one", "two"]);
    assert.equal(incomplete.has("data", "filling"), false);
  });
});

Deno.test("who reads a volume, or wants it empty, sees nothing of half a copy", async () => {
  await withSetup(async (setup) => {
    const { filling, incomplete, data } = setup;
    setup.breaksOff = true;
    for (const see of [() => filling.settle("data"), () => filling.finish(containerWith("data:/x:nocopy"))]) {
      await assert.rejects(filling.fill(containerWith("data:/x")));
      assert.deepEqual(await namesIn(data("data")), ["one"]);
      await see();
      assert.deepEqual(await namesIn(data("data")), []);
      assert.equal(incomplete.has("data", "filling"), false);
    }
  });
});

Deno.test("nothing is deleted of what a volume's options say: the copy goes over it", async () => {
  await withSetup(async (setup) => {
    const { filling, jobs, data } = setup;
    setup.breaksOff = true;
    await assert.rejects(filling.fill(containerWith("bound:/x")));
    setup.breaksOff = false;
    await Deno.writeTextFile(`${data("bound")}/theirs`, "");
    await filling.finish(containerWith("bound:/x"));
    assert.deepEqual(jobs, ["/x", "/x again"]);
    assert.deepEqual((await namesIn(data("bound"))).sort(), ["one", "theirs", "two"]);
  });
});

Deno.test("what a running container has written stays, whatever becomes of the copy", async () => {
  for (const since of ["before", "meanwhile", "afterwards"]) {
    await withSetup(async (setup) => {
      const { filling, incomplete, jobs, data } = setup;
      setup.breaksOff = true;
      setup.isRun = since === "before";
      setup.startsMeanwhile = since === "meanwhile";
      await assert.rejects(filling.fill(containerWith("data:/x")), /broken off/);
      assert.equal(incomplete.has("data", "filling"), since === "afterwards", since);
      setup.isRun = true;
      await Deno.writeTextFile(`${data("data")}/theirs`, "");
      await filling.fill(containerWith("data:/x"));
      assert.equal(incomplete.has("data", "filling"), false);
      setup.isRun = setup.startsMeanwhile = false;
      await filling.finish(containerWith("data:/x"));
      await filling.settle("data");
      assert.deepEqual(jobs, ["/x"]);
      assert.deepEqual((await namesIn(data("data"))).sort(), ["one", "theirs"]);
    });
  }
});

Deno.test("who reads half a copy that a container runs with sees what that sees", async () => {
  await withSetup(async (setup) => {
    setup.breaksOff = true;
    await assert.rejects(setup.filling.fill(containerWith("data:/x")));
    setup.isRun = true;
    await setup.filling.settle("data");
    assert.deepEqual(await namesIn(setup.data("data")), ["one"]);
    assert.equal(setup.incomplete.has("data", "filling"), false);
  });
});

Deno.test("an empty directory of a volume is filled, through links that stay inside too; nothing else is", async () => {
  await withSetup(async ({ filling, incomplete, jobs, data }) => {
    for (const path of ["bin", "deep/inner", "full"]) await Deno.mkdir(`${data("data")}/${path}`, { recursive: true });
    await Deno.symlink("deep/inner", `${data("data")}/link`);
    for (const path of ["file", "full/own"]) await Deno.writeTextFile(`${data("data")}/${path}`, "");
    for (const path of ["bin", "bin", "link", "file", "full", "none"]) await filling.fill(containerWithPart(path));
    assert.deepEqual(jobs, ["/x", "/x"]);
    for (const path of ["bin", "deep/inner"]) {
      assert.deepEqual((await namesIn(`${data("data")}/${path}`)).sort(), ["one", "two"]);
    }
    assert.deepEqual(await namesIn(`${data("data")}/full`), ["own"]);
    assert.equal(incomplete.filling("data"), undefined);
  });
});

Deno.test("half a copy in a directory of a volume counts as none, and nothing else of the volume is touched", async () => {
  await withSetup(async (setup) => {
    const { filling, incomplete, jobs, data } = setup;
    const [link, bin] = [`${data("data")}/link`, `${data("data")}/bin`];
    for (const path of ["bin", "other"]) await Deno.mkdir(`${data("data")}/${path}`);
    await Deno.writeTextFile(`${data("data")}/other/own`, "");
    const next: Record<string, () => Promise<void>> = {
      "the same": () => filling.finish(containerWithPart("bin", "/y")),
      "another": () => filling.fill(containerWithPart("other")),
      "all of it": () => filling.finish(containerWith("data:/z")),
      "a reader": () => filling.settle("data"),
    };
    for (const [who, step] of Object.entries(next)) {
      await Deno.symlink("bin", link);
      setup.breaksOff = true;
      await assert.rejects(filling.fill(containerWithPart("link")), /broken off/);
      assert.deepEqual([incomplete.filling("data"), await namesIn(bin)], ["bin", ["one"]]);
      setup.breaksOff = false;
      await Deno.remove(link);
      await Deno.symlink("other", link);
      jobs.length = 0;
      await step();
      assert.deepEqual([jobs, (await namesIn(bin)).length], who === "the same" ? [["/y again"], 2] : [[], 0], who);
      assert.deepEqual(await namesIn(`${data("data")}/other`), ["own"]);
      assert.equal(incomplete.filling("data"), undefined);
      await Deno.remove(link);
      for (const name of await namesIn(bin)) await Deno.remove(`${bin}/${name}`);
    }
  });
});

Deno.test("a subpath that leads out is refused when the container is made, if the image has the target", async () => {
  await withSetup(async ({ filling, jobs, data }) => {
    await Deno.symlink("/", `${data("data")}/root`);
    const why = `base: ${data("data")}, subpath: root/etc`;
    await assert.rejects(filling.fill(containerWithPart("root/etc")), {
      code: "invalid_argument",
      message: `failed to populate volume: path concatenation escapes the base directory, ${why}`,
    });
    await filling.fill(containerWithPart("root/etc", "/missing"));
    assert.deepEqual(jobs, []);
  });
});
