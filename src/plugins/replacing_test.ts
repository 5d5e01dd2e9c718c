/** Tests of plugins that are replaced while calls are in flight. */
import { strict as assert } from "node:assert";
import { isTsdError } from "../errors.ts";
import { SILENT_LOG } from "../log.ts";
import { HookBus } from "./hook_bus.ts";
import type { ImageContext, StartedContext } from "./hooks.ts";
import { type Plugin, type PluginHooks, PluginUnloaded } from "./plugin.ts";

const IMAGE: ImageContext = { reference: "r", source: "r", id: "i", digest: "d", layers: ["l"], labels: {} };
const started = (id: string, replayed = false): StartedContext => (
  { ...{ id, name: "web", image: "busybox", imageId: "sha256:1", labels: {} }, pid: 7, replayed }
);
const plugin = (name: string, hooks: PluginHooks, more: Partial<Plugin> = {}): Plugin => ({
  ...{ name, apiVersion: 1, hooks },
  ...more,
});
const settled = () => new Promise((resolve) => setTimeout(resolve, 0));

Deno.test("a replacement takes the plugin's position, also after the plugin was removed for a while", async () => {
  const hooks = new HookBus([plugin("built-in", {})], SILENT_LOG);
  const put = (name: string, place: number, more: Partial<Plugin> = {}) =>
    hooks.replace(name, plugin(name, {}, more), place);
  await put("c", 1);
  await put("a", 2);
  await put("b", 3);
  await put("c", 1);
  const names = () => hooks.list().map(({ name }) => name);
  assert.deepEqual(names(), ["built-in", "c", "a", "b"]);
  await hooks.replace("a", undefined);
  await put("b", 3, { order: "pre" });
  await put("a", 2);
  assert.deepEqual(names(), ["b", "built-in", "c", "a"]);
});

Deno.test("a step in progress calls a plugin's replacement, and skips a removed plugin", async () => {
  const requested: string[] = [];
  const first = Promise.withResolvers<void>();
  const version = (name: string, number: number) =>
    plugin(name, { "image.verify": () => void requested.push(`${name} ${number}`) }, { required: true });
  const slow = plugin("slow", { "image.verify": () => first.promise });
  const hooks = new HookBus([slow, version("b", 1), version("c", 1), version("d", 1)], SILENT_LOG);
  const asking = hooks.callSequential("image.verify", () => IMAGE);
  await hooks.replace("b", version("b", 2));
  await hooks.remove("c");
  await hooks.replace("d", plugin("d", { "volume.created": () => {} }, { required: true }));
  first.resolve();
  await asking;
  assert.deepEqual(requested, ["b 2"]);
});

Deno.test("a call to a plugin that was unloaded goes to its replacement and is not counted as a failure", async () => {
  const old = Promise.withResolvers<never>();
  const hooks = new HookBus([], SILENT_LOG);
  hooks.add(plugin("guard", { "image.verify": () => old.promise }, { required: true }));
  const asking = hooks.callSequential("image.verify", () => IMAGE);
  const refuses = plugin("guard", { "image.verify": () => ({ refuse: "by the new one" }) }, { required: true });
  await hooks.replace("guard", refuses);
  old.reject(new PluginUnloaded());
  await assert.rejects(asking, /by the new one/);
  // Without a replacement it is a failure.
  const alone = new HookBus([
    plugin("alone", { "image.verify": () => Promise.reject(new PluginUnloaded("not there")) }, { required: true }),
  ], SILENT_LOG);
  await assert.rejects(
    alone.callSequential("image.verify", () => IMAGE),
    (thrown) => isTsdError(thrown, "permission_denied") && /not there/.test(thrown.message),
  );
});

Deno.test("a start that was not delivered is delivered once to the replacement, replayed or not", async () => {
  const old = Promise.withResolvers<never>();
  let present = [started("a", true)];
  const hooks = new HookBus([], SILENT_LOG, { present: () => present });
  hooks.begin();
  hooks.add(plugin("watch", { "container.started": ({ replayed }) => replayed ? undefined : old.promise }));
  for (const id of ["a", "b"]) hooks.callParallel("container.started", () => started(id));
  present = [started("b", true)];
  const reported: string[] = [];
  const next = plugin("watch", { "container.started": ({ id, replayed }) => void reported.push(`${id} ${replayed}`) });
  await hooks.replace("watch", next);
  old.reject(new PluginUnloaded());
  await settled();
  // A container that had exited by then was not replayed.
  assert.deepEqual(reported, ["b true", "a false"]);
});
