import { strict as assert } from "node:assert";
import { isTsdError } from "../errors.ts";
import { LineLog, SILENT_LOG } from "../log.ts";
import { HookBus } from "./hook_bus.ts";
import type { ContainerContext, Plugin } from "./hooks.ts";
import { lifecycleLog } from "./builtin/lifecycle_log.ts";

const CONTEXT: ContainerContext = { id: "c1", name: "web", image: "busybox", imageId: "sha256:1", labels: { a: "b" } };

Deno.test("plugins are asked in order, and the first refusal ends the step and is named", async () => {
  const asked: string[] = [];
  const plugin = (name: string, refusal?: string): Plugin => ({
    name,
    hooks: {
      "container.validate": () => {
        asked.push(name);
        if (refusal !== undefined) throw new Error(refusal);
      },
    },
  });
  const bus = new HookBus([plugin("one"), plugin("two", "no such label"), plugin("three")], SILENT_LOG);
  await assert.rejects(
    bus.ask("container.validate", () => CONTEXT),
    (thrown) =>
      isTsdError(thrown, "permission_denied") &&
      thrown.message === "Plugin two refused (container.validate): no such label",
  );
  assert.deepEqual(asked, ["one", "two"]);
});

Deno.test("each plugin may spare things; the first one that does is named, one that fails ends the step", async () => {
  const thing = (id: string) => ({ kind: "image", id, names: [], labels: { keep: id }, why: "unused", bytes: 1 });
  const context = () => ({ things: ["a", "b", "c"].map(thing) });
  const plugin = (name: string, ids: readonly string[]): Plugin => ({
    name,
    hooks: { "prune.plan": () => Promise.resolve(ids) },
  });
  const silent: Plugin = { name: "silent", hooks: { "prune.plan": () => undefined } };
  const bus = new HookBus([plugin("one", ["a"]), silent, plugin("two", ["a", "c", "odd"])], SILENT_LOG);
  const spared = [...await bus.spared("prune.plan", context)];
  assert.deepEqual(spared, [["a", "one"], ["c", "two"], ["odd", "two"]]);
  assert.equal((await new HookBus([], SILENT_LOG).spared("prune.plan", () => assert.fail("for nobody"))).size, 0);
  const broken: Plugin = { name: "broken", hooks: { "prune.plan": () => Promise.reject(new Error("oops")) } };
  await assert.rejects(
    new HookBus([broken], SILENT_LOG).spared("prune.plan", context),
    (thrown) =>
      isTsdError(thrown, "permission_denied") && thrown.message === "Plugin broken refused (prune.plan): oops",
  );
});

Deno.test("observers that throw change nothing and are logged", async () => {
  const lines: string[] = [];
  const told: number[] = [];
  const bus = new HookBus([
    { name: "broken", hooks: { "container.started": () => Promise.reject(new Error("oops")) } },
    { name: "fine", hooks: { "container.started": ({ pid }) => void told.push(pid) } },
  ], new LineLog((line) => lines.push(line)));
  bus.tell("container.started", () => ({ ...CONTEXT, pid: 7 }));
  await new Promise((resolve) => setTimeout(resolve, 0));
  assert.deepEqual(told, [7]);
  assert.match(lines.join("\n"), /warn plugins: a plugin failed plugin=broken hook=container\.started error=oops/);
});

Deno.test("contexts can't be changed, and none is made when nobody listens", async () => {
  const changing: Plugin = {
    name: "changing",
    hooks: { "container.validate": (context) => void ((context.labels as Record<string, string>).a = "x") },
  };
  await assert.rejects(
    new HookBus([changing], SILENT_LOG).ask("container.validate", () => ({ ...CONTEXT })),
    /read only/,
  );
  const empty = new HookBus([], SILENT_LOG);
  const never = () => assert.fail("a context was made for nobody");
  await empty.ask("container.validate", never);
  empty.tell("container.removed", never);
});

Deno.test("a plugin that wants an unknown hook is refused by name", () => {
  const plugin = { name: "odd", hooks: { "container.dreams": () => {} } } as unknown as Plugin;
  assert.throws(() => new HookBus([plugin], SILENT_LOG), /Plugin odd wants hook container\.dreams/);
});

Deno.test("the built-in log writes a line for each step", () => {
  const lines: string[] = [];
  const bus = new HookBus([lifecycleLog(new LineLog((line) => lines.push(line)))], SILENT_LOG);
  bus.tell("container.exited", () => ({ ...CONTEXT, exitCode: 3, ranMs: 12 }));
  assert.match(lines[0], /info lifecycle: container exited id=c1 name=web exitCode=3 ranMs=12$/);
});
