import { strict as assert } from "node:assert";
import { SILENT_LOG } from "../../log.ts";
import { HookBus, type Plugin } from "../../plugins/mod.ts";
import { fakeContainer, recordedEvents, RUNNING, tableOf } from "./containers_testing.ts";
import type { ContainerState } from "../model/container.ts";
import { OomWatch } from "./oom_watch.ts";

/** @param oomKills as the container's record has it */
function bench({ oomKills }: { oomKills: number | undefined } = { oomKills: 0 }) {
  const container = fakeContainer({ ...RUNNING, ...oomKills !== undefined && { oomKills } } as ContainerState);
  const { reported, events } = recordedEvents();
  const made = {
    container,
    reported,
    kills: 0,
    isUnreadable: false,
    nowMs: 0,
    watching: 0,
    notice: () => {},
    hooked: [] as string[],
  };
  const cgroups = {
    oomKills: () => {
      if (made.isUnreadable) throw new Error("too many open files");
      return made.kills;
    },
    onOom: (_: string, callback: () => void) => {
      made.watching++;
      made.notice = callback;
      return { [Symbol.dispose]: () => void made.watching-- };
    },
  };
  const observer: Plugin = {
    ...{ name: "observer", apiVersion: 1 },
    hooks: { "container.oom": ({ id }) => void made.hooked.push(id) },
  };
  const hooks = new HookBus([observer], SILENT_LOG);
  return Object.assign(made, {
    watch: new OomWatch({ table: tableOf(container), cgroups, events, hooks, log: SILENT_LOG, now: () => made.nowMs }),
  });
}

const KILLED = { signal: 9, byEngine: false };

Deno.test("oom: a first process that the kernel killed", () => {
  const it = bench();
  it.watch.begin(it.container);
  it.kills = 1;
  assert.equal(it.watch.end(it.container, KILLED), true);
  assert.deepEqual([it.reported, it.watching, it.hooked], [["oom"], 0, [it.container.id]]);
});

Deno.test("oom: counts that can't be read keep nobody from starting or ending, and what was before them is no news", () => {
  const it = bench({ oomKills: undefined });
  Object.assign(it, { isUnreadable: true, kills: 3 });
  it.watch.begin(it.container);
  it.isUnreadable = false;
  it.notice();
  assert.deepEqual(it.reported, []);
  it.kills = 4;
  it.notice();
  assert.deepEqual(it.reported, ["oom"]);
  it.isUnreadable = true;
  assert.equal(it.watch.end(it.container, { signal: 15, byEngine: false }), false);
});

Deno.test("oom: told at once, and once for each kill; a kernel's notice alone is none", () => {
  const it = bench();
  it.watch.begin(it.container);
  it.notice();
  assert.deepEqual(it.reported, []);
  it.kills = 1;
  it.notice();
  it.notice();
  assert.deepEqual(it.reported, ["oom"]);
  it.nowMs = 100;
  assert.equal(it.watch.end(it.container, KILLED), true);
  assert.deepEqual(it.reported, ["oom"]);
});

Deno.test("oom: not the victim: a child died, the engine killed, it exited, or all of that was long ago", () => {
  const endings: [string, number, { signal: number | undefined; byEngine: boolean }][] = [
    ["exit code 137 of a shell whose child was killed", 0, { signal: undefined, byEngine: false }],
    ["docker kill", 0, { signal: 9, byEngine: true }],
    ["another signal", 0, { signal: 15, byEngine: false }],
    ["a kill from elsewhere, long after a child's", 60_000, { signal: 9, byEngine: false }],
  ];
  for (const [what, laterMs, ending] of endings) {
    const it = bench();
    it.watch.begin(it.container);
    it.kills = 1;
    it.notice();
    it.nowMs = laterMs;
    assert.equal(it.watch.end(it.container, ending), false, what);
    assert.deepEqual(it.reported, ["oom"], what);
  }
});

Deno.test("oom: of a container that was found running, what the engine before has told is no news", () => {
  for (const oomKills of [3, undefined]) {
    const it = bench({ oomKills });
    it.kills = 3;
    it.watch.begin(it.container);
    assert.equal(it.watch.end(it.container, KILLED), false);
    assert.deepEqual(it.reported, []);
    assert.equal(it.watch.end(it.container, KILLED), false);
  }
});

Deno.test("oom: a kill that the engine before didn't come to tell of is told, and recorded with that", () => {
  const it = bench({ oomKills: 2 });
  it.kills = 3;
  it.watch.begin(it.container);
  assert.deepEqual([it.reported, it.container.state], [["oom"], { ...RUNNING, oomKills: 3 }]);
  assert.equal(it.watch.end(it.container, KILLED), true);
  it.watch.begin(it.container);
  assert.equal(it.watch.end(it.container, KILLED), false);
  assert.deepEqual(it.reported, ["oom"]);
});

Deno.test("oom: a notice comes before the kill, which is told all the same", async () => {
  const it = bench();
  it.watch.begin(it.container);
  it.notice();
  it.kills = 1;
  while (it.reported.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  it.notice();
  assert.equal(it.watch.end(it.container, KILLED), true);
  assert.deepEqual(it.reported, ["oom"]);
});

Deno.test("oom: a kill before the watch began is told, and one just after that was announced before", async () => {
  const early = bench();
  early.kills = 1;
  early.watch.begin(early.container);
  assert.deepEqual(early.reported, ["oom"]);
  assert.equal(early.watch.end(early.container, KILLED), true);
  const announced = bench();
  announced.watch.begin(announced.container);
  announced.kills = 1;
  while (announced.reported.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  announced.watch.end(announced.container, KILLED);
});
