import { strict as assert } from "node:assert";
import { GroupCommit } from "./group_commit.ts";

/** A group commit whose syncs the test completes. */
function setup(): { sync: GroupCommit; ends: PromiseWithResolvers<void>[] } {
  const ends: PromiseWithResolvers<void>[] = [];
  const sync = new GroupCommit(() => {
    const end = Promise.withResolvers<void>();
    ends.push(end);
    return end.promise;
  });
  return { sync, ends };
}

const nextTask = () => new Promise((resolve) => setTimeout(resolve, 0));

async function isDone(promise: Promise<void>): Promise<boolean> {
  await nextTask();
  return await Promise.race([promise.then(() => true), nextTask().then(() => false)]);
}

Deno.test("group commit: without writes there is nothing to wait for", async () => {
  const { sync, ends } = setup();
  await sync.done();
  assert.equal(ends.length, 0);
});

Deno.test("group commit: one sync covers all writes before it, and none after it", async () => {
  const { sync, ends } = setup();
  sync.wrote();
  const first = sync.done();
  const same = sync.done();
  await nextTask();
  sync.wrote();
  const [second, third] = [sync.done(), sync.done()];
  await nextTask();
  assert.equal(ends.length, 1);
  ends[0]!.resolve();
  assert.deepEqual([await isDone(first), await isDone(same), await isDone(second)], [true, true, false]);
  assert.equal(ends.length, 2);
  ends[1]!.resolve();
  await Promise.all([second, third]);
  await sync.done();
  assert.equal(ends.length, 2);
});

Deno.test("group commit: a failure is reported to its waiting callers, and later ones sync again", async () => {
  const { sync, ends } = setup();
  sync.wrote();
  const failing = sync.done();
  await nextTask();
  sync.wrote();
  const next = sync.done();
  ends[0]!.reject(new Error("no"));
  await assert.rejects(failing, /no/);
  await nextTask();
  ends[1]!.resolve();
  await next;
  await sync.done();
});

Deno.test("group commit: writes that were synced by other means need no sync", async () => {
  const { sync, ends } = setup();
  sync.wrote();
  sync.markDurable();
  await sync.done();
  assert.equal(ends.length, 0);
});
