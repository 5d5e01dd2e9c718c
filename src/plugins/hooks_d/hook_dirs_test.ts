import { strict as assert } from "node:assert";
import { isTsdError } from "../../errors.ts";
import { type HookedContainer, parseHookFile } from "./hook_file.ts";
import { HookDirs } from "./hook_dirs.ts";

const CONTAINER: HookedContainer = {
  annotations: { "org.example.gpu": "yes, two", other: "1" },
  command: "/usr/bin/python3",
  hasBindMounts: false,
};

const fileOf = (when: unknown, more: Record<string, unknown> = {}) =>
  JSON.stringify({ version: "1.0.0", hook: { path: "/bin/sh" }, when, stages: ["prestart"], ...more });
const matches = (when: unknown, container: Partial<HookedContainer> = {}) =>
  parseHookFile(fileOf(when)).matches({ ...CONTAINER, ...container });

Deno.test("conditions: all of them have to hold, and a hook without any matches no container", () => {
  assert.equal(matches({ always: true }), true);
  assert.equal(matches({ always: false }), false);
  assert.equal(matches({}), false);
  assert.equal(matches({ commands: [] }), false);
  assert.equal(matches({ annotations: { "^org\\.example\\.gpu$": "two" } }), true);
  assert.equal(matches({ annotations: { "gpu": "^two" } }), false);
  assert.equal(matches({ annotations: { "gpu": ".*", "other": "^1$" } }), true);
  assert.equal(matches({ annotations: { "gpu": ".*", "missing": ".*" } }), false);
  assert.equal(matches({ commands: ["/sh$", "python[[:digit:]]\\z"] }), true);
  assert.equal(matches({ commands: ["(?i)PYTHON"] }), true);
  assert.equal(matches({ commands: ["^python"] }), false);
  assert.equal(matches({ hasBindMounts: true }), false);
  assert.equal(matches({ hasBindMounts: true }, { hasBindMounts: true }), true);
  assert.equal(matches({ hasBindMounts: false }), false);
  assert.equal(matches({ always: true, commands: ["nothing like it"] }), false);
  assert.equal(matches({ Always: true, Commands: ["nothing like it"] }), false);
  assert.equal(matches({ ALWAYS: true, hasbindmounts: true }), false);
  assert.equal(matches({ ALWAYS: true }), true);
  assert.equal(matches({ always: true, later: "fields that aren't known are passed over" }), true);
});

Deno.test("an error about a file names the problem", () => {
  const wrong: readonly (readonly [string, RegExp])[] = [
    ["{", /it is not JSON/],
    ["[]", /it is no object/],
    [fileOf({}, { version: "0.1.0" }), /its version is "0\.1\.0", and 1\.0\.0 is the one/],
    [fileOf({}, { hook: { path: "sh" } }), /hook\.path is no absolute path/],
    [fileOf({}, { hook: { path: "/bin/sh", args: "x" } }), /hook\.args is no list of texts/],
    [fileOf({}, { hook: { path: "/bin/sh", timeout: 0 } }), /hook\.timeout is no positive whole number/],
    [fileOf({}, { stages: ["later"] }), /there is no stage later; there are prestart, createRuntime/],
    [fileOf({}, { stages: undefined }), /stages is no list of texts/],
    [fileOf(undefined), /when is no object/],
    [fileOf({ always: 1 }), /when\.always is neither true nor false/],
    [fileOf({ commands: ["("] }), /"\(" is no regular expression/],
    [fileOf({ annotations: { a: 1 } }), /when\.annotations\.a is no text/],
  ];
  for (const [text, message] of wrong) {
    assert.throws(
      () => parseHookFile(text),
      (thrown) => isTsdError(thrown, "invalid_argument") && message.test(thrown.message),
    );
  }
});

Deno.test("directories: later ones override, file names set the order, plugins' hooks come first", async () => {
  const dir = await Deno.makeTempDir({ prefix: "tsd-hooks-" });
  try {
    const [system, local] = [`${dir}/system`, `${dir}/local`];
    const dirs = new HookDirs([system, `${dir}/missing`, local]);
    assert.equal(dirs.hooksFor(CONTAINER), undefined);
    const pluginHooks = { poststop: [{ path: "/bin/own" }] };
    assert.deepEqual(dirs.hooksFor(CONTAINER, pluginHooks), pluginHooks);
    for (const directory of [system, local]) await Deno.mkdir(directory);
    const write = (path: string, name: string, stages = ["prestart", "poststop"]) =>
      Deno.writeTextFile(path, fileOf({ always: true }, { hook: { path: "/bin/sh", args: [name] }, stages }));
    await write(`${system}/10-B.json`, "system b");
    await write(`${system}/10-a.json`, "system a");
    await write(`${local}/10-B.json`, "local b", ["prestart"]);
    await write(`${local}/05-z.json`, "local z");
    await Deno.writeTextFile(`${local}/readme.txt`, "no hook");
    const names = (hooks: readonly { readonly args?: readonly string[] | undefined }[] | undefined) =>
      hooks?.map(({ args }) => args?.[0]);
    const { prestart, poststop } = dirs.hooksFor(CONTAINER, pluginHooks)!;
    assert.deepEqual(names(prestart), ["local z", "system a", "local b"]);
    assert.deepEqual(names(poststop), [undefined, "local z", "system a"]);
    await Deno.writeTextFile(`${local}/05-z.json`, fileOf({ hasBindMounts: true }, { stages: ["precreate"] }));
    assert.deepEqual(names(dirs.hooksFor(CONTAINER)!.prestart), ["system a", "local b"]);
    assert.throws(
      () => dirs.hooksFor({ ...CONTAINER, hasBindMounts: true }),
      (thrown) => isTsdError(thrown, "not_implemented") && /05-z\.json: the stage precreate is/.test(thrown.message),
    );
    await Deno.writeTextFile(`${local}/05-z.json`, "{");
    assert.throws(() => dirs.hooksFor(CONTAINER), /Cannot use the hooks in .*\/local\/05-z\.json: it is not JSON/);
    await Deno.writeTextFile(`${local}/05-z.json`, fileOf({ always: true }, { hook: { path: `${dir}/nothing` } }));
    assert.throws(() => dirs.hooksFor(CONTAINER), /05-z\.json: there is no .*\/nothing/);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
