import { strict as assert } from "node:assert";
import { type Digest, digestOfHex } from "../../image/digest.ts";
import { SILENT_LOG } from "../../log.ts";
import { FakeClock } from "../../async/clock_testing.ts";
import { DownloadPruner } from "../prune/download_pruner.ts";
import { ALL, PruneSetup } from "../prune/prune_fixture.ts";
import { IncompletePulls } from "./incomplete_pulls.ts";

const HOUR_MS = 60 * 60 * 1000;
const digest = (fill: string) => digestOfHex(fill.repeat(64));
const [NEEDED, OLD, FRESH, OLD_PART, FRESH_PART] = ["1", "2", "3", "4", "5"].map(digest) as [
  ...[Digest, Digest, Digest, Digest, Digest],
];

/** A clock at two days; half of the layers and parts are a day old. */
function bench() {
  const clock = new FakeClock(48 * HOUR_MS);
  const at = new Map([[NEEDED, 0], [OLD, 24 * HOUR_MS], [FRESH, 40 * HOUR_MS]]);
  const parts = new Map([[OLD_PART, 24 * HOUR_MS], [FRESH_PART, 40 * HOUR_MS]]);
  const state = { failure: undefined as Error | undefined, isClearing: false };
  const unneeded = (ids: readonly Digest[]) => ids.filter((id) => id !== NEEDED);
  const incomplete = new IncompletePulls({
    layers: {
      list: () => state.failure === undefined ? Promise.resolve([...at.keys()]) : Promise.reject(state.failure),
      info: (diffId) => Promise.resolve({ diffId, contentBytes: 10, tarBytes: 20, entries: 1 }),
      committedAtMs: (diffId) => Promise.resolve(at.get(diffId)),
      waitForRemovals: () => Promise.resolve(state.isClearing),
    },
    parts: {
      left: () => Promise.resolve([...parts].map(([digest, changedMs]) => ({ digest, changedMs, bytes: 7 }))),
      remove: (digest) => Promise.resolve(parts.delete(digest) ? 7 : undefined),
    },
    remover: {
      unneeded,
      sweepLayers: (ids) => Promise.resolve(unneeded(ids).filter((id) => at.delete(id))),
    },
    clock,
    log: SILENT_LOG,
  });
  return { clock, at, parts, state, incomplete };
}

Deno.test("the remains of incomplete pulls are retained for a day", async () => {
  const { clock, at, parts, state, incomplete } = bench();
  {
    using _looking = await incomplete.begin();
    assert.deepEqual([[...at.keys()], [...parts.keys()]], [[NEEDED, FRESH], [FRESH_PART]]);
    for (let hour = 1; hour < 16; hour++) await clock.advance(HOUR_MS);
    assert.deepEqual([at.size, parts.size], [2, 1]);
    state.failure = new Error("the disk");
    await clock.advance(HOUR_MS);
    state.failure = undefined;
    await clock.advance(HOUR_MS);
    assert.deepEqual([[...at.keys()], parts.size], [[NEEDED], 0]);
    parts.set(OLD_PART, 0);
  }
  await clock.advance(2 * HOUR_MS);
  assert.equal(parts.size, 1, "nobody looks any more");
});

Deno.test("makeRoom removes all remains", async () => {
  const { at, incomplete } = bench();
  assert.equal(await incomplete.sweep(0), 34);
  assert.deepEqual([[...at.keys()], await incomplete.left()], [[NEEDED], []]);
  assert.equal(await incomplete.sweep(0), 0);
});

Deno.test("prune lists the remains and removes the listed ones", async () => {
  using setup = new PruneSetup();
  const { clock, at, parts, incomplete } = bench();
  const pruner = new DownloadPruner(incomplete, clock);
  const items = await pruner.find(ALL, setup.fixture([OLD_PART]));
  assert.deepEqual(items.map(({ id, names, why, bytes }) => [id, names, why, bytes]), [
    [FRESH_PART, ["part"], "its pull was broken off 8 hours ago", 7],
    [OLD, ["layer"], "its pull was broken off 24 hours ago", 10],
    [FRESH, ["layer"], "its pull was broken off 8 hours ago", 10],
  ]);
  const young = await pruner.find(
    { all: false, passes: ({ createdMs }) => createdMs! > 30 * HOUR_MS },
    setup.fixture(),
  );
  assert.deepEqual(young.map(({ id }) => id), [FRESH_PART, FRESH]);
  assert.deepEqual(await pruner.remove(items[0]!), { bytes: 7 });
  assert.deepEqual(await pruner.remove(items[1]!), { bytes: 10 });
  assert.deepEqual(await pruner.remove(items[1]!), { kept: "a pull uses it now, or it has gone already" });
  assert.deepEqual([[...at.keys()], [...parts.keys()]], [[NEEDED, FRESH], [OLD_PART]]);
});

Deno.test("makeRoom frees unreferenced layers and waits for pending removals", async () => {
  const { at, parts, state, incomplete } = bench();
  assert.equal(await incomplete.makeRoom(), true);
  assert.deepEqual([[...at.keys()], parts.size], [[NEEDED], 0]);
  assert.equal(await incomplete.makeRoom(), false);
  state.isClearing = true;
  assert.equal(await incomplete.makeRoom(), true);
});
