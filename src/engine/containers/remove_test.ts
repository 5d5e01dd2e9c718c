import { strict as assert } from "node:assert";
import { TsdError } from "../../errors.ts";
import { digestOfHex } from "../../image/digest.ts";
import { SILENT_LOG } from "../../log.ts";
import { HookBus } from "../../plugins/mod.ts";
import type { Recording } from "../../store/event_records.ts";
import { Container } from "../model/container.ts";
import { ContainerRemover } from "./remove.ts";
import { EXITED, recordedEvents } from "./containers_testing.ts";
import { Waiters } from "./waiters.ts";

/** An ended container that removes itself, with a volume without a name. */
function container(): Container {
  const mount = { kind: "bind", source: "/v", target: "/data", readOnly: false } as const;
  return new Container("c1", "web", 0, {
    ...{ imageName: "busybox", imageId: digestOfHex("0".repeat(64)), layers: [], config: {}, platform: "linux" },
    hostConfig: { AutoRemove: true },
    mounts: [{ mount, createSource: false, mode: "", volume: { name: "v1", isAnonymous: true, copies: false } }],
  }, EXITED);
}

/** What is done to a container at its end, in order. */
function bench(
  home: string,
  clean: () => Promise<void> = () => Promise.resolve(),
  { settled = Promise.resolve(), isSeen = false }: { settled?: Promise<void>; isSeen?: boolean } = {},
) {
  const steps: string[] = [];
  const step = (name: string) => () => Promise.resolve(void steps.push(name));
  const releasedAddresses = Promise.withResolvers<void>();
  const removals = new ContainerRemover({
    table: {
      has: () => true,
      beginRemoval: () => void steps.push("note"),
      endRemoval: () => void steps.push("no note"),
      remove: (_: Container, recording: Recording) => recording({ write: () => void steps.push("forget") }),
    } as never,
    snapshots: { remove: () => step("snapshot")().then(clean) } as never,
    launcher: { clean: () => step("clean")().then(clean), release: step("release"), isSeen: () => isSeen },
    starts: { settled: () => settled } as never,
    execs: { containerRemoved: () => {} },
    paths: { engineId: "", dataRoot: home, runDir: home, cgroup: "tsd" },
    log: SILENT_LOG,
    hooks: new HookBus([], SILENT_LOG),
    events: recordedEvents().events,
    health: { forget: () => Promise.resolve() },
    waiters: new Waiters(),
    images: { sweepAfterContainer: () => Promise.resolve() },
    volumes: { removeAnonymous: step("volumes") },
    networks: { release: () => Promise.resolve(releasedAddresses.resolve()) } as never,
    streams: { discard: () => Promise.resolve() },
  });
  return { steps, removals, releasedAddresses: releasedAddresses.promise };
}

Deno.test("volumes without a name go with one that removes itself, also where its run can't be cleared away", async () => {
  const home = await Deno.makeTempDir({ prefix: "tsd-removals-" });
  try {
    const whole = bench(home);
    await whole.removals.afterRun(container());
    assert.deepEqual(whole.steps, ["clean", "volumes", "forget", "snapshot"]);
    const stuck = bench(home, () => Promise.reject(new TsdError("runtime_failed", "it can't be deleted")));
    await assert.rejects(stuck.removals.afterRun(container()), { code: "runtime_failed" });
    assert.deepEqual(stuck.steps, ["clean", "volumes", "forget"]);
  } finally {
    await Deno.remove(home, { recursive: true });
  }
});

Deno.test("that its volumes go is noted before anything of a container does, until it has failed", async () => {
  const home = await Deno.makeTempDir({ prefix: "tsd-removals-" });
  try {
    const whole = bench(home);
    await whole.removals.remove(container(), { volumes: true });
    assert.deepEqual(whole.steps, ["note", "snapshot", "volumes", "forget"]);
    const stuck = bench(home, () => Promise.reject(new TsdError("storage", "it is busy")));
    await assert.rejects(stuck.removals.remove(container(), { volumes: true }), { code: "storage" });
    assert.deepEqual(stuck.steps, ["note", "snapshot", "no note"]);
  } finally {
    await Deno.remove(home, { recursive: true });
  }
});

Deno.test("an exec that is being started holds up what is seen of a run, and no address", async () => {
  const settled = Promise.withResolvers<void>();
  const unseen = bench("/nowhere", undefined, { settled: settled.promise });
  await unseen.removals.release(container());
  assert.deepEqual(unseen.steps, ["release"]);
  const cleaned = unseen.removals.clean(container());
  await unseen.releasedAddresses;
  const seen = bench("/nowhere", undefined, { settled: settled.promise, isSeen: true });
  const released = seen.removals.release(container());
  assert.deepEqual([unseen.steps, seen.steps], [["release"], []]);
  settled.resolve();
  await Promise.all([cleaned, released]);
  assert.deepEqual([unseen.steps, seen.steps], [["release", "clean"], ["release"]]);
});
