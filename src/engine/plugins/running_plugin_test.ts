import { strict as assert } from "node:assert";
import { PluginUnloaded } from "../../plugins/mod.ts";
import { PluginExited, type PluginProcess } from "./plugin_process.ts";
import { RunningPlugin } from "./running_plugin.ts";

/** Stands in for a process; what it is asked is answered by hand. */
class FakeProcess {
  readonly requested: PromiseWithResolvers<unknown>[] = [];
  isAlive = true;
  readonly #ended = Promise.withResolvers<string>();
  readonly ended = this.#ended.promise;

  call(): Promise<unknown> {
    const answer = Promise.withResolvers<unknown>();
    this.requested.push(answer);
    return answer.promise;
  }

  [Symbol.dispose](): void {
    this.isAlive = false;
    for (const answer of this.requested) answer.reject(new PluginExited("it was stopped"));
    this.#ended.resolve("");
  }
}

const SIGNAL = new AbortController().signal;

function started(): { readonly process: FakeProcess; readonly running: RunningPlugin } {
  const process = new FakeProcess();
  return { process, running: new RunningPlugin(() => Promise.resolve(process as unknown as PluginProcess)) };
}

/** Everything that is under way without a timer has happened. */
const settled = () => new Promise((resolve) => setTimeout(resolve, 0));

Deno.test("retired, it answers what it was asked, and is asked nothing more", async () => {
  const { process, running } = started();
  const first = running.call("a", {}, SIGNAL);
  const second = running.call("b", {}, SIGNAL);
  await settled();
  let isOver = false;
  const retired = running.retire().then(() => isOver = true);
  await assert.rejects(running.call("c", {}, SIGNAL), PluginUnloaded);
  process.requested[0]!.resolve("one");
  assert.equal(await first, "one");
  await settled();
  assert.deepEqual([isOver, process.isAlive, process.requested.length], [false, true, 2]);
  process.requested[1]!.reject(new Error("late"));
  await assert.rejects(second, /late/);
  await retired;
  assert.equal(process.isAlive, false);
});

Deno.test("retired before its process was there, or without one, it ends all the same", async () => {
  await started().running.retire();
  const { process, running } = started();
  const requested = running.call("a", {}, SIGNAL);
  const retired = running.retire();
  await settled();
  process.requested[0]!.resolve("late, and all the same");
  assert.equal(await requested, "late, and all the same");
  await retired;
  assert.equal(process.isAlive, false);
});

Deno.test("an engine that ends waits for no answers", async () => {
  const { process, running } = started();
  const requested = running.call("a", {}, SIGNAL);
  await settled();
  const retired = running.retire();
  await running[Symbol.asyncDispose]();
  await assert.rejects(requested, PluginExited);
  await retired;
  assert.equal(process.isAlive, false);
});

Deno.test("one that is ended while it starts isn't waited for", async () => {
  const start = (ending: AbortSignal) => {
    const { promise, reject } = Promise.withResolvers<PluginProcess>();
    ending.addEventListener("abort", () => reject(new PluginExited("it was stopped")));
    return promise;
  };
  const running = new RunningPlugin(start);
  const requested = running.call("a", {}, SIGNAL);
  const retired = running.retire();
  await running[Symbol.asyncDispose]();
  await assert.rejects(requested, PluginExited);
  await retired;
});

Deno.test("one that finishes is asked more until it has answered all", async () => {
  const { process, running } = started();
  const first = running.call("a", {}, SIGNAL);
  await settled();
  const finished = running.finish();
  const second = running.call("b", {}, SIGNAL);
  process.requested[0]!.resolve("one");
  await first;
  await settled();
  assert.equal(process.isAlive, true);
  process.requested[1]!.resolve("two");
  assert.equal(await second, "two");
  await finished;
  assert.equal(process.isAlive, false);
  await assert.rejects(running.call("c", {}, SIGNAL), PluginUnloaded);
});

Deno.test("one that hangs is killed when the time for its last answers is over", async () => {
  const { process, running } = started();
  const requested = running.call("a", {}, SIGNAL);
  await settled();
  const retired = running.retire();
  await running.finish(1);
  await assert.rejects(requested, PluginExited);
  await retired;
  assert.equal(process.isAlive, false);
});
