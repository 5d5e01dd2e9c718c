/** A Worker rebuilds missing indexes while the engine answers. */
import { strict as assert } from "node:assert";
import { loadFactor, startEngine } from "../harness/mod.ts";
import { busyboxBuilder, file } from "../images/mod.ts";
import { startScriptedRegistry } from "../registry/mod.ts";
import { requires } from "../requires.ts";
import { Immutability } from "../../src/store/erofs/immutability.ts";
import { namesIn, pull } from "./setup.ts";

const FILES = 20_000;

Deno.test("a missing index is rebuilt when a container starts", requires("root", "runc"), async () => {
  await using registry = startScriptedRegistry();
  const many = Array.from({ length: FILES }, (_, n) => file(`many/${n >> 8}/${n}`, `${n}`));
  const reference = registry.add("many", "1", await busyboxBuilder().layer(many).build());
  await using engine = await startEngine({ args: ["--storage-driver", "erofs"] });
  await pull(engine, reference);
  const run = () => engine.tsd(["run", "--rm", "--network", "none", reference, "cat", "/many/70/18000"]);
  for (const hex of await namesIn(`${engine.layerRoot}/layers`)) {
    const index = `${engine.layerRoot}/layers/${hex}/index.erofs`;
    new Immutability().unprotect(index);
    await Deno.remove(index);
  }
  // Mounted snapshots do not need their indexes.
  await engine.restart();
  let slowestMs = 0;
  let isOver = false;
  const asking = (async () => {
    while (!isOver) {
      const before = performance.now();
      assert.equal((await engine.api.get("/_ping")).status, 200);
      slowestMs = Math.max(slowestMs, (performance.now() - before) / loadFactor());
    }
  })();
  const ran = await run();
  isOver = true;
  await asking;
  assert.deepEqual([ran.code, ran.stdout, ran.stderr], [0, "18000", ""]);
  assert.ok(slowestMs < 2000, `the slowest answer meanwhile took ${slowestMs.toFixed(0)} ms`);
  for (const hex of await namesIn(`${engine.layerRoot}/layers`)) {
    assert.ok((await namesIn(`${engine.layerRoot}/layers/${hex}`)).includes("index.erofs"));
  }
});
