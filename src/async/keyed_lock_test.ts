import { strict as assert } from "node:assert";
import { KeyedLock } from "./keyed_lock.ts";

Deno.test("steps of one key run one after another, those of other keys concurrently", async () => {
  const lock = new KeyedLock();
  const order: string[] = [];
  const gate = Promise.withResolvers<void>();
  const first = lock.run("a", async () => {
    order.push("a1 begins");
    await gate.promise;
    order.push("a1 ends");
    return 1;
  });
  const second = lock.run("a", () => Promise.resolve(order.push("a2")));
  await lock.run("b", () => Promise.resolve(order.push("b")));
  assert.deepEqual(order, ["a1 begins", "b"]);
  gate.resolve();
  assert.equal(await first, 1);
  await second;
  assert.deepEqual(order, ["a1 begins", "b", "a1 ends", "a2"]);
});

Deno.test("a failed step rejects its caller's promise only", async () => {
  const lock = new KeyedLock();
  const failing = lock.run("a", () => Promise.reject(new Error("no")));
  const next = lock.run("a", () => Promise.resolve("yes"));
  await assert.rejects(failing, /^Error: no$/);
  assert.equal(await next, "yes");
});

Deno.test("idle waits for running steps, and for steps that they start", async () => {
  const lock = new KeyedLock();
  let done = 0;
  void lock.run("a", async () => {
    await Promise.resolve();
    void lock.run("b", () => Promise.resolve(done++));
    done++;
  });
  await lock.idle();
  assert.equal(done, 2);
  await lock.idle();
});
