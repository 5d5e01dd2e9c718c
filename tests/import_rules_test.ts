import { strict as assert } from "node:assert";
import { exists, PROJECT_DIR } from "../scripts/project.ts";
import { WORKER_ENTRIES } from "../src/worker_entry.ts";
import { type Import, importGraph, sourceFiles } from "./import_graph.ts";
import {
  cycles,
  FILE_COMMANDS,
  heavyForClients,
  isTestSupport,
  loadedBy,
  unreachable,
  violation,
} from "./import_rules.ts";

const wrong = (from: string, to: string, kind: Import["kind"] = "static") =>
  violation({ from, to, kind }) !== undefined;

/** Files that neither the program nor only tests use: they make the documentation. */
const NOT_IN_PROGRAM: readonly string[] = ["src/plugins/hooks_doc.ts"];

Deno.test("the table refuses forbidden imports", () => {
  const refused: ReadonlyArray<Parameters<typeof wrong>> = [
    ["src/store/a.ts", "src/engine/b.ts"],
    ["src/store/a.ts", "src/engine/b.ts", "type"],
    ["src/store/a.ts", "src/runtime/b.ts"],
    ["src/store/a.ts", "src/runtime/b.ts", "dynamic"],
    ["src/hash/a.ts", "src/io/b.ts"],
    ["src/client/a.ts", "src/engine/b.ts", "type"],
    ["src/client/a.ts", "src/image/b.ts"],
    ["src/cli/a.ts", "src/client/b.ts"],
    ["src/commands/a.ts", "src/engine/b.ts"],
    ["src/commands/a.ts", "src/serve.ts", "dynamic"],
    ["src/engine/a.ts", "src/api/server.ts", "type"],
    ["src/engine/model/a.ts", "src/engine/networks/b.ts", "type"],
    ["src/engine/networks/a.ts", "src/engine/containers/b.ts", "type"],
    ["src/engine/containers/a.ts", "src/engine/exec/b.ts"],
    ["src/engine/networks/a.ts", "src/engine/mod.ts", "type"],
    ["src/engine/a.ts", "tsyringe"],
    ["src/image/a.ts", "hash-wasm", "dynamic"],
    ["src/engine/a.ts", "tests/images/b.ts"],
    ["src/unheard_of/a.ts", "src/log.ts"],
    ["src/store/a.ts", "src/store/a_testing.ts"],
    ["src/store/a.ts", "src/store/testsuite/b.ts", "dynamic"],
    ["src/store/a.ts", "src/sys/a_testing.ts", "type"],
  ];
  for (const each of refused) assert.ok(wrong(...each), each.join(" "));
});

Deno.test("the table allows permitted imports", () => {
  const allowed: ReadonlyArray<Parameters<typeof wrong>> = [
    ["src/store/a.ts", "src/runtime/b.ts", "type"],
    ["src/store/a.ts", "src/store/b.ts"],
    ["src/store/a.ts", "src/image/digest.ts"],
    ["src/store/a.ts", "src/io/b.ts"],
    ["src/store/a.ts", "node:sqlite"],
    ["src/store/a_testing.ts", "src/store/testsuite/b.ts"],
    ["src/client/a.ts", "src/api_types/b.ts", "type"],
    ["src/commands/a.ts", "src/cli/b.ts"],
    ["src/engine/a.ts", "src/store/b.ts"],
    ["src/engine/containers/a.ts", "src/engine/networks/b.ts"],
    ["src/api/a.ts", "src/engine/mod.ts", "type"],
    ["src/composition.ts", "tsyringe"],
    ["mod.ts", "src/serve.ts", "dynamic"],
  ];
  for (const each of allowed) {
    assert.equal(violation({ from: each[0], to: each[1], kind: each[2] ?? "static" }), undefined);
  }
});

Deno.test("static, dynamic and type imports are distinguished", async () => {
  const dir = await Deno.makeTempDir();
  try {
    const source = [
      `import type { A } from "./a.ts";`,
      `export type { A as B } from "./b.ts";`,
      `import { c } from "./c.ts";`,
      `const d = await import("./d.ts");`,
      `export { type E } from "./e.ts";`,
      `import "npm:tsyringe@4.10.0";`,
      `console.log(c, d, undefined as A | undefined);`,
    ].join("\n");
    await Deno.writeTextFile(`${dir}/deno.json`, "{}");
    await Deno.writeTextFile(`${dir}/mod.ts`, source);
    for (const name of ["a", "b", "c", "d", "e"]) {
      await Deno.writeTextFile(
        `${dir}/${name}.ts`,
        `export type ${name.toUpperCase()} = 1;\nexport const ${name} = 1;`,
      );
    }
    const graph = await importGraph(["mod.ts"], dir);
    const kinds = Object.fromEntries(graph.map(({ to, kind }) => [to, kind]));
    assert.deepEqual(kinds, {
      "a.ts": "type",
      "b.ts": "type",
      "c.ts": "static",
      "d.ts": "dynamic",
      "e.ts": "static",
      "tsyringe": "static",
    });
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("import cycles and heavy imports are found", () => {
  const edge = (from: string, to: string, kind: Import["kind"] = "static"): Import => ({ from, to, kind });
  assert.deepEqual(cycles([edge("a", "b"), edge("b", "c"), edge("c", "b")]), ["b → c → b"]);
  assert.deepEqual(cycles([edge("a", "b"), edge("b", "a", "type"), edge("a", "c"), edge("b", "c")]), []);
  const client = [edge("mod.ts", "x"), edge("x", "node:http"), edge("mod.ts", "y", "dynamic"), edge("y", "tsyringe")];
  assert.deepEqual(heavyForClients("mod.ts", client), ["mod.ts → x → node:http"]);
});

Deno.test("the program's imports comply with the table, without cycles", async () => {
  const top = await exists(`${PROJECT_DIR}/mod.ts`) ? ["mod.ts"] : [];
  const graph = await importGraph([...top, ...await sourceFiles()]);
  assert.ok(graph.length > 100, `only ${graph.length} imports were found`);
  const wrongs = graph.map(violation).filter((each) => each !== undefined);
  assert.deepEqual([...new Set(wrongs)], []);
  assert.deepEqual(cycles(graph), []);
});

Deno.test("files that only tests import are named *_testing.ts or are in a testsuite/", async () => {
  const files = (await sourceFiles()).filter((file) => !file.endsWith(".as.ts") && !NOT_IN_PROGRAM.includes(file));
  const roots = ["mod.ts", ...Object.values(WORKER_ENTRIES)];
  const graph = await importGraph([...roots, ...files]);
  assert.deepEqual(unreachable(roots, files, graph).filter((file) => !isTestSupport(file)), []);
});

Deno.test("no command of the client loads a part of the engine, node:http or the DI container", async () => {
  const commands = (await sourceFiles())
    .filter((file) => file.startsWith("src/commands/") && !file.startsWith(FILE_COMMANDS));
  const graph = await importGraph(["mod.ts", ...commands]);
  assert.ok(graph.some(({ from, to, kind }) => from === "mod.ts" && to === "src/serve.ts" && kind === "dynamic"));
  assert.deepEqual(["mod.ts", ...commands].flatMap((root) => heavyForClients(root, graph)), []);
});

Deno.test("no command loads templates, completion or a progress display before it needs them", async () => {
  const commands = [
    "container/list",
    "image/list",
    "system/inspect",
    "system/info",
    "system/version",
    "system/events",
    "container/stats",
    "image/pull",
    "container/run",
    "main",
  ];
  const roots = commands.map((name) => `src/commands/${name}.ts`);
  const graph = await importGraph(roots);
  const lazy = (path: string) =>
    /^src\/cli\/(template\/|completion|help)|_template\.ts$|pull_board|go_shapes/.test(path);
  assert.ok(graph.some(({ to, kind }) => lazy(to) && kind === "dynamic"));
  assert.deepEqual(roots.flatMap((root) => [...loadedBy(root, graph).keys()].filter(lazy)), []);
});
