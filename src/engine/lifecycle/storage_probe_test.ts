import { strict as assert } from "node:assert";
import { TsdError } from "../../errors.ts";
import { SILENT_LOG } from "../../log.ts";
import { StorageProbe } from "./storage_probe.ts";

Deno.test("storage is tried once, in time, and its failure is nobody's", async () => {
  const tried: string[] = [];
  const done = Promise.withResolvers<void>();
  const layers = { status: () => (tried.push("layers"), Promise.resolve([])) };
  const failing = {
    probeMount: () => (tried.push("snapshots"), done.resolve(), Promise.reject(new TsdError("storage", "no"))),
  };
  {
    await using _trial = new StorageProbe(layers, failing, SILENT_LOG, 0);
    await done.promise;
  }
  assert.deepEqual(tried, ["layers", "snapshots"]);
  await new StorageProbe(layers, failing, SILENT_LOG, 1)[Symbol.asyncDispose]();
  assert.equal(tried.length, 2);
});
