import { strict as assert } from "node:assert";
import "./sys/preopen_testing.ts";
import { DEFAULT_CONFIG } from "./engine/config/engine_config.ts";
import { Composition, type EngineSettings, TOKENS } from "./composition.ts";
import { enginePaths } from "./engine/paths.ts";
import { SILENT_LOG } from "./log.ts";
import { probeHost } from "./runtime/spec/mod.ts";
import type { Token } from "./token.ts";

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

async function withComposition(use: (get: Composition["get"]) => void | Promise<void>): Promise<void> {
  const dataRoot = await Deno.makeTempDir({ prefix: "tsd-composition-" });
  await using undo = new AsyncDisposableStack();
  undo.defer(() => Deno.remove(dataRoot, { recursive: true }));
  const { get } = new Composition(await settingsIn(dataRoot));
  undo.defer(() => get(TOKENS.database)[Symbol.dispose]());
  undo.defer(() => get(TOKENS.eventHistory)[Symbol.dispose]());
  undo.defer(() => get(TOKENS.epoll)[Symbol.asyncDispose]());
  // Its Worker starts with it.
  undo.defer(() => get(TOKENS.outputs)[Symbol.asyncDispose]());
  await use(get);
}

Deno.test("every token can be asked for, and gives the same each time", () =>
  withComposition((get) => {
    const tokens = Object.entries(TOKENS) as [string, Token<unknown>][];
    const first = new Map(tokens.map(([name, token]) => [name, get(token)]));
    for (const [name, made] of first) assert.ok(made !== undefined && made !== null, name);
    for (const [name, token] of tokens.toReversed()) assert.equal(get(token), first.get(name), name);
  }));

Deno.test("two compositions share nothing", () =>
  withComposition((get) =>
    withComposition((other) => {
      for (const [name, token] of Object.entries(TOKENS) as [string, Token<unknown>][]) {
        assert.notEqual(get(token), other(token), name);
      }
    })
  ));

Deno.test("tokens have names of their own", () => {
  const keys = Object.values(TOKENS).map(({ key }) => key);
  assert.equal(new Set(keys).size, keys.length);
});
