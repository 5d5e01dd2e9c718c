/// <reference lib="deno.unstable" />
import { strict as assert } from "node:assert";
import plugin from "./plugin.ts";

interface Case {
  readonly rule: string;
  /** Relative to the project. */
  readonly file: string;
  readonly bad?: readonly string[];
  readonly good?: readonly string[];
}

const CASES: readonly Case[] = [
  {
    rule: "retired-words",
    file: "src/store/blobs.ts",
    bad: [
      `const folder = 1;`,
      `class HookFolders {}`,
      `class A { #seats = 1; }`,
      `function isWanted() {}`,
      `a.patienceMs;`,
    ],
    good: [`const dir = "folder";`, `class HookDirs {}`, `class A { #slots = 1; }`, `const origin = 1;`],
  },
  {
    rule: "no-env-outside-home",
    file: "src/engine/containers.ts",
    bad: [
      `Deno.env.get("A");`,
      `const { env } = Deno;`,
      `globalThis.Deno.env.toObject();`,
      `process.env.A;`,
      `Deno["env"];`,
    ],
    good: [`environment.env.get("A");`, `const { env } = options;`, `Deno.pid;`],
  },
  { rule: "no-env-outside-home", file: "src/cli/terminal.ts", good: [`Deno.env.get("A");`] },
  { rule: "no-env-outside-home", file: "src/engine/containers_test.ts", good: [`Deno.env.get("A");`] },
  { rule: "no-env-outside-home", file: "mod.ts", good: [`Deno.env.get("A");`] },
  {
    rule: "no-console-outside-home",
    file: "src/commands/container/run.ts",
    bad: [`console.log("a");`, `globalThis.console.error("a");`, `const { log } = console;`],
    good: [`terminal.console("a");`, `log.info("a");`],
  },
  { rule: "no-console-outside-home", file: "scripts/compile.ts", good: [`console.log("a");`] },
  { rule: "no-exit-outside-home", file: "src/api/server.ts", bad: [`Deno.exit(1);`, `process.exit(1);`] },
  { rule: "no-exit-outside-home", file: "src/serve.ts", good: [`Deno.exit(1);`] },
  {
    rule: "no-dlopen-outside-home",
    file: "src/store/tree.ts",
    bad: [`Deno.dlopen("libc.so.6", {});`, `Deno.UnsafePointer.of(bytes);`],
  },
  { rule: "no-dlopen-outside-home", file: "src/cli/tty.ts", bad: [`Deno.dlopen("libc.so.6", {});`] },
  { rule: "no-dlopen-outside-home", file: "src/sys/libc.ts", good: [`Deno.dlopen("libc.so.6", {});`] },
  {
    rule: "no-command-outside-home",
    file: "src/runtime/runc.ts",
    bad: [`new Deno.Command("runc").output();`, `import { spawn } from "node:child_process";`],
    good: [`import { join } from "node:path";`],
  },
  { rule: "no-command-outside-home", file: "src/sys/spawn.ts", bad: [`new Deno.Command("runc");`] },
  {
    rule: "no-empty-catch",
    file: "src/store/blobs.ts",
    bad: [
      `try { a(); } catch {}`,
      `try { a(); } catch (error) { /* never mind */ }`,
      `a().catch(() => {});`,
      `await a().catch(() => undefined);`,
      `a().catch(function () {});`,
    ],
    good: [
      `try { a(); } catch (error) { throw error; }`,
      `a().catch((error) => log.warn(String(error)));`,
      `catchAll(() => {});`,
      `this.#ready.promise.catch(() => {});`,
      `body.catch(() => undefined);`,
    ],
  },
  {
    rule: "no-message-matching",
    file: "src/engine/images.ts",
    bad: [
      `if (error.message.includes("ENOENT")) a();`,
      `(error as Error).message.startsWith("x");`,
      `if (/gone/.test(error.message)) a();`,
      `if (error.message === "gone") a();`,
    ],
    good: [`if (error.code === "not_found") a();`, `list.includes(error.message);`, `a(error.message);`],
  },
  { rule: "no-message-matching", file: "src/engine/images_test.ts", good: [`error.message.includes("x");`] },
  {
    rule: "no-todo",
    file: "src/log.ts",
    bad: [`// ${"TODO"}: more`, `/* ${"FIXME"} */`, `/** ${"XXX"} */ const a = 1;`],
    good: [`// all done`, `const a = "${"TODO"}";`],
  },
  {
    rule: "no-skipped-tests",
    file: "src/log_test.ts",
    bad: [
      `Deno.test({ name: "a", ignore: true, fn() {} });`,
      `Deno.test("a", { only: true }, () => {});`,
      `Deno.test("a", { sanitizeOps: false }, () => {});`,
      `Deno.test.only("a", () => {});`,
      `Deno.test.ignore("a", () => {});`,
    ],
    good: [
      `Deno.test("a", requires("root"), () => {});`,
      `parse({ ignore: true });`,
      `Deno.test("a", { ignore: !isRoot }, () => {});`,
    ],
  },
  { rule: "file-names", file: "src/store/utils.ts", bad: [`a();`] },
  { rule: "file-names", file: "src/store/blob_helpers.ts", bad: [`a();`] },
  { rule: "file-names", file: "src/store/types.ts", bad: [`a();`] },
  { rule: "file-names", file: "src/common/blob.ts", bad: [`a();`] },
  { rule: "file-names", file: "src/store/BlobStore.ts", bad: [`a();`] },
  { rule: "file-names", file: "src/store/blob-store.ts", bad: [`a();`] },
  { rule: "file-names", file: "src/image/media_types.ts", good: [`a();`] },
  { rule: "file-names", file: "src/image/media_types_test.ts", good: [`a();`] },
  { rule: "no-default-export", file: "src/log.ts", bad: [`export default 1;`], good: [`export const a = 1;`] },
  {
    rule: "no-interface-prefix",
    file: "src/log.ts",
    bad: [`interface IStore { a: 1 }`],
    good: [`interface Store { a: 1 }`, `interface ImageStore { a: 1 }`, `interface IO { a: 1 }`],
  },
];

const PROJECT_DIR = new URL("../../", import.meta.url).pathname;

function findings(rule: string, file: string, source: string): string[] {
  return Deno.lint.runPlugin(plugin, PROJECT_DIR + file, source)
    .map((diagnostic) => diagnostic.id)
    .filter((id) => id === `tsd/${rule}`);
}

for (const { rule, file, bad = [], good = [] } of CASES) {
  Deno.test(`${rule} in ${file}`, () => {
    for (const source of bad) assert.deepEqual(findings(rule, file, source), [`tsd/${rule}`], `missed: ${source}`);
    for (const source of good) assert.deepEqual(findings(rule, file, source), [], `wrongly found: ${source}`);
  });
}

Deno.test("every rule has a case that it reports", () => {
  const tested = new Set(CASES.filter(({ bad = [] }) => bad.length > 0).map(({ rule }) => rule));
  assert.deepEqual(Object.keys(plugin.rules).filter((rule) => !tested.has(rule)), []);
});
