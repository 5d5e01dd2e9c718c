import { strict as assert } from "node:assert";
import { buildWasm, builtOf, sourceOf, WASM_MODULES } from "./build_wasm.ts";

for (const module of WASM_MODULES) {
  Deno.test(`the committed ${module.path}.wasm is what its source builds`, async () => {
    const built = await buildWasm(await Deno.readTextFile(sourceOf(module)), module.options);
    const committed = await Deno.readFile(builtOf(module));
    assert.ok(built.length > 1000);
    assert.deepEqual(committed, built, `run ./dev wasm and commit ${module.path}.wasm`);
  });
}

Deno.test("what doesn't compile is said", async () => {
  const wrong = "export function f(): u32 { return x; }";
  await assert.rejects(buildWasm(wrong, ["--runtime", "stub"]), /asc failed: .*Cannot find name 'x'/s);
});
