import { strict as assert } from "node:assert";
import { TsdError } from "../../errors.ts";
import { ALL, digest, NEVER_ABORTED, PruneSetup } from "./prune_fixture.ts";

const IMAGE = digest("a");
const ENDED = { status: "exited", exitCode: 3, finishedMs: 1_000_000 - 120_000, startedMs: 0, error: "" } as const;
const CREATED = { status: "created", exitCode: 0, error: "" } as const;

Deno.test("exited and never started containers are found; running, paused and restarting ones are not", async () => {
  using setup = new PruneSetup();
  setup.addImage("a", [1]);
  setup.addContainer("ended", IMAGE, ENDED, [1]);
  setup.addContainer("fresh", IMAGE, CREATED, [1]);
  for (const status of ["running", "paused", "restarting"] as const) setup.addContainer(status, IMAGE, { status }, [1]);
  const fixture = setup.fixture();
  const items = await setup.containerPruner.find(ALL, fixture);
  assert.deepEqual(items.map(({ id, names, why, bytes }) => [id, names, why, bytes]), [
    ["ended", ["ended-name"], "exited (3) 2 minutes ago", 5],
    ["fresh", ["fresh-name"], "created Less than a second ago, never ran", 5],
  ]);
  assert.deepEqual([...fixture.going], ["ended", "fresh"]);
});

Deno.test("filters and plugins exclude containers; layers without an image count for the last container that uses them", async () => {
  using setup = new PruneSetup();
  for (const id of ["one", "two"]) setup.addContainer(id, IMAGE, ENDED, [1, 2]);
  const find = async (label: string, spared: string[] = []) => {
    const passes = ({ labels }: { labels: Readonly<Record<string, string>> }) => labels.of !== label;
    return (await setup.containerPruner.find({ all: false, passes }, setup.fixture(spared))).map((
      { id, bytes },
    ) => [id, bytes]);
  };
  assert.deepEqual(await find("none"), [["one", 5], ["two", 35]]);
  assert.deepEqual(await find("one"), [["two", 5]]);
  assert.deepEqual(await find("none", ["two"]), [["one", 5]]);
});

Deno.test("a removal returns the bytes it freed; a container in use or already removed is not a failure", async () => {
  using setup = new PruneSetup();
  setup.addContainer("alone", IMAGE, ENDED, [3]);
  assert.deepEqual(await setup.containerPruner.remove({ id: "alone" }, NEVER_ABORTED), { bytes: 35 });
  assert.deepEqual(await setup.containerPruner.remove({ id: "absent" }, NEVER_ABORTED), {
    kept: "it has gone already",
  });
  setup.addContainer("up", IMAGE, { status: "running" });
  assert.deepEqual(await setup.containerPruner.remove({ id: "up" }, NEVER_ABORTED), { kept: "it is running now" });
  setup.failure = new TsdError("conflict", "it runs");
  assert.deepEqual(await setup.containerPruner.remove({ id: "alone" }, NEVER_ABORTED), { kept: "it is exited now" });
  setup.failure = new TsdError("container_not_found", "none");
  assert.deepEqual(await setup.containerPruner.remove({ id: "alone" }, NEVER_ABORTED), { kept: "it has gone already" });
  setup.failure = new TsdError("storage", "the disk");
  await assert.rejects(setup.containerPruner.remove({ id: "alone" }, NEVER_ABORTED), { code: "storage" });
  assert.deepEqual(setup.removedContainers, ["alone"]);
});

Deno.test("a newly created container has two seconds to be started", async () => {
  using setup = new PruneSetup();
  setup.addContainer("fresh", IMAGE, CREATED);
  const { containerPruner, clock } = setup;
  const removal = containerPruner.remove({ id: "fresh" }, NEVER_ABORTED);
  await clock.advance(1999);
  assert.deepEqual(setup.removedContainers, []);
  await clock.advance(1);
  assert.deepEqual(await removal, { bytes: 5 });
  // A container whose start has failed gets no grace period.
  using another = new PruneSetup();
  another.addContainer("failed", IMAGE, { ...CREATED, exitCode: 127 });
  assert.deepEqual(await another.containerPruner.remove({ id: "failed" }, NEVER_ABORTED), { bytes: 5 });
});

Deno.test("the signal aborts the wait", async () => {
  using setup = new PruneSetup();
  setup.addContainer("fresh", IMAGE, CREATED);
  const leaving = new AbortController();
  const removal = setup.containerPruner.remove({ id: "fresh" }, leaving.signal);
  leaving.abort();
  await assert.rejects(removal, { code: "cancelled" });
  assert.deepEqual(setup.removedContainers, []);
});
