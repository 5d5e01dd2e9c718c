import { strict as assert } from "node:assert";
import "./sys/preopen_testing.ts";
import { composeEngine, composeServer } from "./composition.ts";
import { DEFAULT_CONFIG } from "./engine/config/engine_config.ts";
import type { Engine, EngineSettings } from "./engine/mod.ts";
import { enginePaths } from "./engine/paths.ts";
import { SILENT_LOG } from "./log.ts";
import { probeHost } from "./runtime/spec/mod.ts";

async function settingsIn(dataRoot: string): Promise<EngineSettings> {
  return {
    storage: { driver: "overlay2", root: `${dataRoot}/overlay2` },
    paths: await enginePaths(dataRoot),
    info: await probeHost(),
    log: SILENT_LOG,
    runtimes: new Map([["runc", { path: "/nonexistent/runc", args: [] }]]),
    config: { ...DEFAULT_CONFIG, plugins: { metrics: {}, others: {} } },
    environment: {},
    proxies: { http: "", https: "", none: "" },
  };
}

async function withEngine(use: (engine: Engine) => void | Promise<void>): Promise<void> {
  const dataRoot = await Deno.makeTempDir({ prefix: "tsd-composition-" });
  await using undo = new AsyncDisposableStack();
  undo.defer(() => Deno.remove(dataRoot, { recursive: true }));
  const engine = composeEngine(await settingsIn(dataRoot));
  undo.defer(() => engine.store.database[Symbol.dispose]());
  undo.defer(() => engine.events.history[Symbol.dispose]());
  undo.defer(() => engine.runtime.epoll[Symbol.asyncDispose]());
  // Its Worker starts with it.
  undo.defer(() => engine.runtime.stdioRouter[Symbol.asyncDispose]());
  await use(engine);
}

/** Reads all parts. Returns them with their names, such as `containers.table`. */
function partsOf({ settings: _, ...nouns }: Engine): [name: string, part: unknown][] {
  return Object.entries(nouns).flatMap(([noun, parts]) =>
    Object.keys(parts).map((name): [string, unknown] => [`${noun}.${name}`, Reflect.get(parts, name)])
  );
}

Deno.test("every part of an engine is created once, in whichever order they are read", () =>
  withEngine((engine) => {
    const first = partsOf(engine);
    assert.ok(first.length > 80, `only ${first.length} parts`);
    for (const [name, part] of first) assert.ok(part !== undefined && part !== null, name);
    const again = new Map(partsOf(engine));
    for (const [name, part] of first) assert.equal(again.get(name), part, name);
  }));

Deno.test("two engines in one process share no part", () =>
  withEngine((engine) =>
    withEngine((other) => {
      const others = new Map(partsOf(other));
      for (const [name, part] of partsOf(engine)) assert.notEqual(others.get(name), part, name);
    })
  ));

Deno.test("the API's server is composed from an engine's parts", () =>
  withEngine((engine) => {
    assert.equal(composeServer(engine).activeRequests, 0);
  }));
