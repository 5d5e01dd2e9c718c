import { strict as assert } from "node:assert";
import { GroupCommit } from "./group_commit.ts";

/** Syncs that end when they are told to. */
function bench(): { sync: GroupCommit; ends: PromiseWithResolvers<void>[] } {
  const ends: PromiseWithResolvers<void>[] = [];
  const sync = new GroupCommit(() => {
    const end = Promise.withResolvers<void>();
    ends.push(end);
    return end.promise;
  });
  return { sync, ends };
}

const turn = () => new Promise((resolve) => setTimeout(resolve, 0));

async function isDone(promise: Promise<void>): Promise<boolean> {
  await turn();
  return await Promise.race([promise.then(() => true), turn().then(() => false)]);
}

Deno.test("late sync: nothing written, nothing to wait for", async () => {
  const { sync, ends } = bench();
  await sync.done();
  assert.equal(ends.length, 0);
});

Deno.test("late sync: one sync stands for all writes before it, and for none after", async () => {
  const { sync, ends } = bench();
  sync.wrote();
  const first = sync.done();
  const same = sync.done();
  await turn();
  sync.wrote();
  const [second, third] = [sync.done(), sync.done()];
  await turn();
  assert.equal(ends.length, 1);
  ends[0]!.resolve();
  assert.deepEqual([await isDone(first), await isDone(same), await isDone(second)], [true, true, false]);
  assert.equal(ends.length, 2);
  ends[1]!.resolve();
  await Promise.all([second, third]);
  await sync.done();
  assert.equal(ends.length, 2);
});

Deno.test("late sync: a failure is told to those who wait for it, and the next ones try again", async () => {
  const { sync, ends } = bench();
  sync.wrote();
  const failing = sync.done();
  await turn();
  sync.wrote();
  const next = sync.done();
  ends[0]!.reject(new Error("no"));
  await assert.rejects(failing, /no/);
  await turn();
  ends[1]!.resolve();
  await next;
  await sync.done();
});

Deno.test("late sync: what was synced on another way needs none", async () => {
  const { sync, ends } = bench();
  sync.wrote();
  sync.isSafe();
  await sync.done();
  assert.equal(ends.length, 0);
});
