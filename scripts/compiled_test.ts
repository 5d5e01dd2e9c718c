import { strict as assert } from "node:assert";
import { compileArguments } from "./compiled.ts";
import { renderHead } from "./portable.ts";
import { capture } from "./project.ts";
import { CLIENT_V8_FLAGS, ENGINE_V8_FLAGS } from "./v8_flags.ts";

Deno.test("the compiled form has the engine's flags for V8, and every file of the bundle", () => {
  const words = compileArguments(["mod.js", "a.js", "src/b.js"], "/out/tsd");
  assert.deepEqual(words.filter((word) => word.startsWith("--v8-flags")), [
    "--v8-flags=--expose-gc,--max-semi-space-size=4",
  ]);
  assert.deepEqual(words.slice(-9), [
    ...["--app-name", "tsd", "--include", "a.js", "--include", "src/b.js", "--output", "/out/tsd", "mod.js"],
  ]);
});

Deno.test("the portable form has each role's", async () => {
  const template = await Deno.readTextFile(new URL("./portable_head.sh", import.meta.url));
  const head = new TextDecoder().decode(renderHead(template, {
    ...{ app: "0a", version: "1", appSizeBytes: 1, appFiles: [], runtime: "0b" },
    ...{ runtimeSizeBytes: 1, runtimeCompressedSizeBytes: 1 },
  }));
  assert.match(head, /^_v8=--no-lazy$/m);
  assert.match(head, /^\[ "\$1" != daemon \] \|\| _v8=--expose-gc,--max-semi-space-size=4$/m);
});

Deno.test("V8 knows the flags of both roles, and they have their effect", async () => {
  const program = `const { heap_size_limit } = (await import("node:v8")).getHeapStatistics();
    console.log(typeof gc, heap_size_limit);`;
  const reported = async (flags: readonly string[]) => {
    const { text } = await capture(Deno.execPath(), ["eval", `--v8-flags=${flags.join(",")}`, program]);
    return text.trim().split(" ");
  };
  const [noCollector, clientLimit] = await reported(CLIENT_V8_FLAGS);
  const [collector, engineLimit] = await reported(ENGINE_V8_FLAGS);
  assert.deepEqual([noCollector, collector], ["undefined", "function"]);
  // The room for new objects is a part of the limit.
  assert.ok(Number(engineLimit) < Number(clientLimit), `${engineLimit} < ${clientLimit}`);
});
