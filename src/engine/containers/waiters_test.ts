import { strict as assert } from "node:assert";
import { isTsdError } from "../../errors.ts";
import { Waiters } from "./waiters.ts";

const NEVER = new AbortController().signal;

Deno.test("an exit wakes who waits for it, a removal wakes all", async () => {
  const waiters = new Waiters();
  const woken: string[] = [];
  const wait = (condition: "not-running" | "next-exit" | "removed") =>
    waiters.wait("c", condition, NEVER).then(({ exitCode }) => woken.push(`${condition} ${exitCode}`));
  const first = [wait("not-running"), wait("next-exit")];
  const removed = wait("removed");
  const other = waiters.wait("d", "next-exit", NEVER);
  waiters.exited("c", { exitCode: 3 });
  await Promise.all(first);
  assert.deepEqual(woken.splice(0), ["not-running 3", "next-exit 3"]);
  const next = wait("next-exit");
  waiters.removed("c", { exitCode: 4 });
  await Promise.all([removed, next]);
  assert.deepEqual(woken.sort(), ["next-exit 4", "removed 4"]);
  waiters.exited("d", { exitCode: 0, error: "why" });
  assert.deepEqual(await other, { exitCode: 0, error: "why" });
});

Deno.test("who has gone is told so, and is not waited for", async () => {
  const waiters = new Waiters();
  const vanished = new AbortController();
  const waiting = waiters.wait("c", "next-exit", vanished.signal);
  vanished.abort();
  await assert.rejects(waiting, (thrown) => isTsdError(thrown, "cancelled"));
  await assert.rejects(waiters.wait("c", "removed", vanished.signal), (thrown) => isTsdError(thrown, "cancelled"));
  waiters.exited("c", { exitCode: 0 });
});
