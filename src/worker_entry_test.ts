import { strict as assert } from "node:assert";
import { resolveWorker, WORKER_ENTRIES, type WorkerName, workerUrl } from "./worker_entry.ts";

const NAMES = Object.keys(WORKER_ENTRIES) as WorkerName[];

Deno.test("workerUrl returns a file of this checkout", async () => {
  for (const name of NAMES) {
    const info = await Deno.stat(workerUrl(name));
    assert.ok(info.isFile, name);
  }
});

Deno.test("in a bundle the entry keeps its path below the output directory", () => {
  const url = resolveWorker("logs", "file:///cache/tsd/abc/chunk-OWQVJGRI.js");
  assert.equal(url.href, "file:///cache/tsd/abc/src/runtime/logs/worker.js");
});

Deno.test("a checkout in a directory with special characters resolves", () => {
  const url = resolveWorker("ingest", "file:///home/a%20b%23c/src/worker_entry.ts");
  assert.equal(url.href, "file:///home/a%20b%23c/src/engine/images/ingest_worker.ts");
});
