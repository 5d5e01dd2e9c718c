import { strict as assert } from "node:assert";
import { buildKernels, KERNELS_SOURCE, KERNELS_WASM } from "./build_wasm.ts";

Deno.test("the committed kernels are what their source builds", async () => {
  const built = await buildKernels(await Deno.readTextFile(KERNELS_SOURCE));
  const committed = await Deno.readFile(KERNELS_WASM);
  assert.ok(built.length > 1000);
  assert.deepEqual(committed, built, "run ./dev wasm and commit src/hash/sha256.wasm");
});

Deno.test("what doesn't compile is said", async () => {
  await assert.rejects(buildKernels("export function f(): u32 { return x; }"), /asc failed: .*Cannot find name 'x'/s);
});
