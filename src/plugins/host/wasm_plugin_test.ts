import { strict as assert } from "node:assert";
import { fileURLToPath } from "node:url";
import { loadPlugin } from "./loading.ts";
import { parseManifest } from "./manifest.ts";
import { COUNTING_MODULE, GOES_WRONG } from "./host_testing.ts";
import { loadWasmPlugin } from "./wasm_plugin.ts";

const EXAMPLE = fileURLToPath(new URL("../../../examples/plugins/owner_guard.wasm", import.meta.url));

Deno.test("the WebAssembly example has a manifest and answers", async () => {
  const { manifest, handlers } = await loadPlugin(EXAMPLE, () => {});
  const { name, hooks } = parseManifest(manifest, ["container.validate"]);
  assert.deepEqual([name, hooks], ["owner-guard", ["container.validate"]]);
  const handler = handlers.get("container.validate")!;
  const ask = (labels: Record<string, string>, name = "web") =>
    handler({ id: "1", name, labels, env: {} }, { config: {} });
  assert.equal(ask({ owner: "me" }), undefined);
  assert.equal(ask({ a: '}"owner', owner: "" }), undefined);
  const refusal = { refuse: "it has no label owner: run it with --label owner=NAME" };
  assert.deepEqual(ask({}), refusal);
  assert.deepEqual(ask({ a: '\\"owner\\":' }), refusal);
  assert.deepEqual(ask({ a: "x".repeat(200_000) }), refusal);
  for (let i = 0; i < 1000; i++) assert.equal(ask({ owner: String(i) }), undefined);
});

Deno.test("an error about a module that is not a plugin names the reason", async () => {
  const empty = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]);
  await assert.rejects(loadWasmPlugin(empty, () => {}), /the module doesn't export tsd_alloc/);
  await assert.rejects(loadWasmPlugin(new Uint8Array([1, 2, 3]), () => {}), /WebAssembly|magic/i);
});

Deno.test("an instance is discarded after a failed call, and kept after an error answer", async () => {
  const { handlers } = await loadWasmPlugin(COUNTING_MODULE, () => {});
  const ask = (bytes = 0) => handlers.get("h")!("x".repeat(bytes), {});
  assert.deepEqual([ask(), ask()], [1, 2]);
  assert.throws(() => ask(GOES_WRONG.refuses), { message: "no" });
  assert.equal(ask(), 4);
  const broken: Readonly<Record<number, RegExp>> = {
    [GOES_WRONG.traps]: /unreachable/,
    [GOES_WRONG.pointsOutside]: /it points outside its memory/,
    [GOES_WRONG.isNoJson]: /JSON/,
  };
  for (const [bytes, reason] of Object.entries(broken)) {
    assert.throws(() => ask(Number(bytes)), reason);
    assert.deepEqual([ask(), ask()], [1, 2]);
  }
});
