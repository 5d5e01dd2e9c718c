import { strict as assert } from "node:assert";
import { isTsdError } from "../errors.ts";
import { LineLog, SILENT_LOG } from "../log.ts";
import { lifecycleLog } from "./builtin/lifecycle_log.ts";
import { HookBus } from "./hook_bus.ts";
import { type ContainerContext, HOOK_NAMES, type ImageContext, type StartedContext } from "./hooks.ts";
import type { Plugin, PluginHooks, PluginOrder } from "./plugin.ts";
import { object, text, whole } from "./schema.ts";

const CONTEXT: ContainerContext = { id: "c1", name: "web", image: "busybox", imageId: "sha256:1", labels: { a: "b" } };
const STARTED: StartedContext = { ...CONTEXT, pid: 7, replayed: false };
const IMAGE: ImageContext = { reference: "r", source: "r", id: "i", digest: "d", layers: ["l"], labels: {} };
const REFERENCE = { reference: "docker.io/library/a:1", registry: "docker.io", repository: "library/a" };

const plugin = (name: string, hooks: PluginHooks, more: Partial<Plugin> = {}): Plugin => ({
  ...{ name, apiVersion: 1, hooks },
  ...more,
});
const bus = (...plugins: readonly Plugin[]) => new HookBus(plugins, SILENT_LOG);
const refusal = (message: string) => (thrown: unknown) => {
  assert.ok(isTsdError(thrown, "permission_denied"));
  assert.equal(thrown.message, message);
  return true;
};
/** Waits until everything pending without a timer has settled. */
const settled = () => new Promise((resolve) => setTimeout(resolve, 0));

Deno.test("sequential: plugins are called in order, and the first refusal ends the step and names the plugin", async () => {
  const requested: string[] = [];
  const one = (name: string, refuse?: string) =>
    plugin(name, {
      "image.verify": () => {
        requested.push(name);
        return refuse === undefined ? null : { refuse };
      },
    });
  await assert.rejects(
    bus(one("one"), one("two", "not signed"), one("three")).callSequential("image.verify", () => IMAGE),
    refusal("Plugin two refused (image.verify): not signed"),
  );
  assert.deepEqual(requested, ["one", "two"]);
});

Deno.test("first: the first answer is returned, and later plugins are not called", async () => {
  const never = plugin("never", { "registry.resolve": () => assert.fail("it was called") });
  const answering = (name: string, reference?: string) =>
    plugin(name, { "registry.resolve": () => reference === undefined ? undefined : { reference } });
  const found = await bus(answering("silent"), answering("mirror", "mirror.lan/a:1"), never)
    .callFirst("registry.resolve", () => REFERENCE);
  assert.deepEqual(found, { plugin: "mirror", answer: { reference: "mirror.lan/a:1" } });
  assert.equal(await bus(answering("silent")).callFirst("registry.resolve", () => REFERENCE), undefined);
});

Deno.test("adjust: patches are merged; a conflict names two plugins", async () => {
  const context = () => ({
    ...CONTEXT,
    ...{ args: ["sh"], env: {}, mounts: [], annotations: {}, user: "", privileged: false, networkMode: "bridge" },
  });
  const adds = (name: string, env: Record<string, string>) =>
    plugin(name, { "container.create": () => Promise.resolve({ env }) });
  const silent = plugin("silent", { "container.create": () => undefined });
  const adjusted = await bus(adds("one", { A: "1" }), silent, adds("two", { B: "2" })).callAdjust(
    "container.create",
    context,
  );
  assert.deepEqual(adjusted, { plugins: ["one", "two"], patch: { env: { A: "1", B: "2" } } });
  assert.equal(await bus(silent).callAdjust("container.create", context), undefined);
  await assert.rejects(
    bus(adds("one", { A: "1" }), adds("two", { A: "1" })).callAdjust("container.create", context),
    (thrown) => isTsdError(thrown, "conflict") && thrown.message === "Plugins one and two both set env.A",
  );
});

Deno.test("selective: each plugin may retain things; the first one is recorded, and a failure ends the step", async () => {
  const thing = (id: string) => ({ kind: "image", id, names: [], labels: { keep: id }, why: "unused", bytes: 1 });
  const context = () => ({ things: ["a", "b", "c"].map(thing) });
  const one = (name: string, ids?: readonly string[]) => plugin(name, { "prune.plan": () => Promise.resolve(ids) });
  const retained = await bus(one("one", ["a"]), one("silent"), one("two", ["a", "c", "odd"]))
    .callSelective("prune.plan", context);
  assert.deepEqual([...retained], [["a", "one"], ["c", "two"], ["odd", "two"]]);
  const broken = bus(plugin("broken", { "prune.plan": () => Promise.reject(new Error("oops")) }));
  await assert.rejects(
    broken.callSelective("prune.plan", context),
    refusal("Plugin broken can't be asked (prune.plan): oops"),
  );
});

Deno.test("parallel: observers that throw change nothing and are logged", async () => {
  const lines: string[] = [];
  const reported: number[] = [];
  const observed = new HookBus([
    plugin("broken", { "container.started": () => Promise.reject(new Error("oops")) }),
    plugin("fine", { "container.started": ({ pid }) => void reported.push(pid) }),
  ], new LineLog((line) => lines.push(line)));
  observed.callParallel("container.started", () => STARTED);
  await settled();
  assert.deepEqual(reported, [7]);
  assert.match(lines.join("\n"), /warn plugins: a plugin failed plugin=broken hook=container\.started error=oops/);
});

Deno.test("no context is built for a hook without subscribers", async () => {
  const hooks = bus(plugin("other", { "volume.created": () => {} }));
  let made = 0;
  const never = () => {
    made++;
    return assert.fail("a context was built without subscribers");
  };
  await hooks.callSequential("image.verify", never);
  await hooks.callFirst("registry.resolve", never);
  await hooks.callAdjust("container.create", never);
  assert.equal((await hooks.callSelective("prune.plan", never)).size, 0);
  hooks.callParallel("container.removed", never);
  assert.equal(made, 0);
  assert.deepEqual(HOOK_NAMES.filter((hook) => hooks.isSubscribed(hook)), ["volume.created"]);
});

Deno.test("contexts are frozen copies", async () => {
  const engines = { ...IMAGE, labels: { a: "1" } };
  const changing = plugin("changing", {
    "image.verify": (context) => void ((context.labels as Record<string, string>).a = "x"),
  }, { required: true });
  await assert.rejects(bus(changing).callSequential("image.verify", () => engines), /read only/);
  engines.labels.a = "the engine's own stays as it was";
});

Deno.test("the step goes on after a plugin failed, unless the plugin is required", async () => {
  const fails: readonly [PluginHooks["image.verify"], string][] = [
    [() => Promise.reject(new Error("oops")), "oops"],
    [() => ({ refuse: 7 }) as never, "its answer is wrong: refuse is no text"],
    [() => "no" as never, "its answer is wrong: the value is no object"],
  ];
  for (const [handler, why] of fails) {
    const hooks: PluginHooks = { "image.verify": handler! };
    await bus(plugin("open", hooks)).callSequential("image.verify", () => IMAGE);
    await assert.rejects(
      bus(plugin("shut", hooks, { required: true })).callSequential("image.verify", () => IMAGE),
      refusal(`Plugin shut can't be asked (image.verify): ${why}`),
    );
  }
});

Deno.test("a plugin that never answers fails at the deadline, and its signal is aborted", async () => {
  const time = new FakeTimers();
  try {
    let signal: AbortSignal | undefined;
    const hangs = plugin("hangs", {
      "image.verify": (_context, tools) => {
        signal = tools.signal;
        return new Promise(() => {});
      },
    }, { required: true });
    const asking = bus(hangs).callSequential("image.verify", () => IMAGE);
    const rejected = assert.rejects(
      asking,
      refusal("Plugin hangs can't be asked (image.verify): it did not answer within 10000 ms"),
    );
    time.fire(10_000);
    await rejected;
    assert.equal(signal?.aborted, true);
  } finally {
    time.restore();
  }
});

Deno.test("a plugin with too many unanswered notifications is disabled", async () => {
  const answer = Promise.withResolvers<void>();
  let reported = 0;
  const slow = plugin("slow", {
    "container.removed": () => {
      reported++;
      return answer.promise;
    },
  });
  const hooks = bus(slow);
  for (let at = 0; at < 10_100; at++) hooks.callParallel("container.removed", () => CONTEXT);
  assert.equal(reported, 10_000);
  await settled();
  assert.equal(hooks.list()[0]!.lastError, "container.removed: it has 10000 calls to answer");
  assert.equal(hooks.isSubscribed("container.removed"), false);
  answer.resolve();
  await settled();
  // Late answers don't enable it again.
  assert.equal(hooks.list()[0]!.enabled, false);
});

Deno.test("concurrent calls that fail count as one failure; a replacement is called from then on", async () => {
  const failing = Promise.withResolvers<void>();
  const hooks = bus(plugin("weak", { "container.removed": () => failing.promise }));
  for (let at = 0; at < 20; at++) hooks.callParallel("container.removed", () => CONTEXT);
  failing.reject(new Error("gone"));
  await settled();
  assert.deepEqual([hooks.list()[0]!.failures, hooks.list()[0]!.failuresInARow], [20, 1]);
  let reported = 0;
  await hooks.replace("weak", plugin("weak", { "container.removed": () => void reported++ }));
  hooks.callParallel("container.removed", () => CONTEXT);
  assert.equal(reported, 1);
  assert.throws(() => hooks.replace("weak", plugin("weak", { odd: () => {} } as never)), /wants hook odd/);
  assert.equal(hooks.has("weak"), true);
  await hooks.replace("weak", undefined);
  assert.deepEqual([hooks.has("weak"), hooks.isSubscribed("container.removed")], [false, false]);
});

/** Fake `setTimeout`, fired by the test. */
class FakeTimers {
  readonly #real = globalThis.setTimeout;
  readonly #waiting: { readonly ms: number; readonly call: () => void }[] = [];

  constructor() {
    const fake = (call: () => void, ms = 0) => this.#waiting.push({ ms, call });
    globalThis.setTimeout = fake as unknown as typeof setTimeout;
  }

  fire(ms: number): void {
    for (const each of this.#waiting) if (each.ms === ms) each.call();
  }

  restore(): void {
    globalThis.setTimeout = this.#real;
  }
}

Deno.test("five failures in a row disable a plugin; a success resets the count", async () => {
  const lines: string[] = [];
  let isBroken = true;
  let calls = 0;
  const shaky = plugin("shaky", {
    "image.verify": () => {
      calls++;
      if (isBroken) throw new Error("oops");
    },
  });
  const hooks = new HookBus([shaky], new LineLog((line) => lines.push(line)));
  const ask = async (times: number) => {
    for (let at = 0; at < times; at++) await hooks.callSequential("image.verify", () => IMAGE);
  };
  await ask(4);
  isBroken = false;
  await ask(1);
  isBroken = true;
  await ask(5);
  assert.equal(hooks.isSubscribed("image.verify"), false);
  await ask(3);
  assert.equal(calls, 10);
  const { enabled, failures, failuresInARow, lastError } = hooks.list()[0]!;
  assert.deepEqual([enabled, failures, failuresInARow, lastError], [false, 9, 5, "image.verify: oops"]);
  assert.match(lines.at(-1)!, /error plugins: a plugin is disabled: it has failed too often plugin=shaky/);
});

Deno.test("a disabled plugin that is required still refuses steps", async () => {
  const broken = plugin("guard", { "image.verify": () => Promise.reject(new Error("oops")) }, { required: true });
  const hooks = bus(broken);
  for (let at = 0; at < 5; at++) await assert.rejects(hooks.callSequential("image.verify", () => IMAGE));
  await assert.rejects(
    hooks.callSequential("image.verify", () => IMAGE),
    refusal(
      "Plugin guard can't be asked (image.verify): it is disabled after 5 failures in a row, the last one at image.verify: oops",
    ),
  );
  assert.equal(hooks.list()[0]!.calls, 5);
});

Deno.test("order: pre, normal, post, and within each in the order of addition", async () => {
  const requested: string[] = [];
  const one = (name: string, order?: PluginOrder) =>
    plugin(name, { "image.verify": () => void requested.push(name) }, order === undefined ? {} : { order });
  const hooks = bus(one("last", "post"), one("b"), one("first", "pre"), one("a", "normal"), one("second", "pre"));
  await hooks.callSequential("image.verify", () => IMAGE);
  assert.deepEqual(requested, ["first", "second", "b", "a", "last"]);
  assert.deepEqual(hooks.list().map(({ name }) => name), requested);
});

Deno.test("plugins are added and removed; running containers are replayed to added ones", async () => {
  const present = [STARTED, { ...STARTED, id: "c2" }].map((each) => ({ ...each, replayed: true }));
  const hooks = new HookBus([], SILENT_LOG, { present: () => present });
  const expected: string[] = [];
  hooks.onSubscribed((hook) => expected.push(`${hook} ${hooks.isSubscribed(hook)}`));
  const reported: string[] = [];
  let closed = 0;
  const one = plugin("one", { "container.started": ({ id, replayed }) => void reported.push(`${id} ${replayed}`) }, {
    close: () => Promise.resolve(void closed++),
  });
  hooks.add(one);
  await settled();
  assert.deepEqual(reported, [], "nothing is replayed before the engine has begun");
  hooks.begin();
  await settled();
  assert.deepEqual(reported.splice(0), ["c1 true", "c2 true"]);
  await hooks.remove("one");
  hooks.add(one);
  await settled();
  assert.deepEqual(reported, ["c1 true", "c2 true"]);
  assert.throws(() => hooks.add(one), (thrown) => isTsdError(thrown, "conflict"));
  hooks.callParallel("container.started", () => STARTED);
  assert.equal(await hooks.remove("one"), true);
  hooks.callParallel("container.started", () => STARTED);
  await settled();
  assert.deepEqual(reported, ["c1 true", "c2 true", "c1 false"]);
  const [added, removed] = ["container.started true", "container.started false"];
  assert.deepEqual(expected, [added, removed, added, removed]);
  assert.deepEqual([closed, await hooks.remove("one"), hooks.list()], [2, false, []]);
});

Deno.test("a plugin gets its log, storage and configuration", async () => {
  const lines: string[] = [];
  const schema = object({ url: text("where"), tries: whole("how often") });
  const counts = plugin("counts", {
    "image.verify": async ({ id }, { log, storage, config }) => {
      const before = await storage.get(id) ?? 0;
      await storage.set(id, Number(before) + 1);
      log.info("seen", { url: (config as { url: string }).url, times: Number(before) + 1 });
    },
  }, { config: schema });
  const hooks = new HookBus([], new LineLog((line) => lines.push(line)));
  assert.throws(() => hooks.add(counts, { url: 7, tries: 1 }), /plugins\.counts\.url is no text/);
  assert.throws(() => hooks.add(counts), /plugins\.counts is no object/);
  assert.throws(() => hooks.add(plugin("plain", {}), {}), /Plugin plain has no configuration/);
  hooks.add(counts, { url: "http://x", tries: 3 });
  for (let at = 0; at < 2; at++) await hooks.callSequential("image.verify", () => IMAGE);
  assert.match(lines[1]!, /info plugin counts: seen url=http:\/\/x times=2$/);
});

Deno.test("an invalid plugin is refused by name", () => {
  const refused: readonly [unknown, RegExp][] = [
    [
      { name: "odd", apiVersion: 1, hooks: { "container.dreams": () => {} } },
      /Plugin odd wants hook container\.dreams/,
    ],
    [{ name: "new", apiVersion: 2, hooks: {} }, /Plugin new is for version 2 of the interface; this tsd has version 1/],
    [{ name: "flat", apiVersion: 1, hooks: { "image.pulled": "x" } }, /Plugin flat has no function for hook image/],
    [{ name: "../x", apiVersion: 1, hooks: {} }, /Invalid name of a plugin: "\.\.\/x"/],
  ];
  for (const [each, message] of refused) {
    assert.throws(
      () => bus(each as Plugin),
      (thrown) => isTsdError(thrown, "invalid_argument") && message.test(thrown.message),
    );
  }
});

Deno.test("the built-in log writes a line for each event, and none for replayed ones", async () => {
  const lines: string[] = [];
  const hooks = bus(lifecycleLog(new LineLog((line) => lines.push(line))));
  hooks.callParallel("container.started", () => ({ ...STARTED, replayed: true }));
  hooks.callParallel("container.exited", () => ({ ...CONTEXT, exitCode: 3, ranMs: 12, oomKilled: false }));
  await settled();
  assert.equal(lines.length, 1);
  assert.match(lines[0]!, /info lifecycle: container exited id=c1 name=web exitCode=3 ranMs=12$/);
});
