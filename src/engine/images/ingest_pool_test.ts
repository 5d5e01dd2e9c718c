import { strict as assert } from "node:assert";
import { isTsdError } from "../../errors.ts";
import { digestOfHex } from "../../image/digest.ts";
import type { LayerInfo } from "../../store/driver.ts";
import { NO_SETTINGS } from "../../image/registry/mod.ts";
import { IngestPool, type PoolLimits } from "./ingest_pool.ts";

/** Acts as the job's repository says; `told` reports as progress which Worker this is and with what it was set up. */
const SCRIPTED_WORKER = `
const running = new Map();
const own = Math.floor(Math.random() * 1e9) + 1;
let setup;
self.onmessage = ({ data }) => {
  if (data.kind === "setup") return void (setup = data.setup);
  if (data.kind === "cancel") {
    if (running.delete(data.id)) {
      self.postMessage({ kind: "failed", id: data.id, error: { code: "cancelled", message: "cancelled" } });
    }
    return;
  }
  if (data.kind === "stack") {
    return self.postMessage({ kind: "done", id: data.id, info: { diffId: data.layers.at(-1) } });
  }
  if (data.kind === "remake") {
    const info = { diffId: data.diffId, tarBytes: 1, contentBytes: 1, entries: 1 };
    return self.postMessage(data.diffId.endsWith("2")
      ? { kind: "failed", id: data.id, error: { code: "layer_invalid", message: "damaged" } }
      : { kind: "done", id: data.id, info });
  }
  if (data.kind === "verify") return void running.set(data.id, undefined);
  const { id, repository, diffId } = data.job;
  const done = () => self.postMessage({ kind: "done", id, info: { diffId, tarBytes: 1, contentBytes: 1, entries: 1 } });
  self.postMessage({ kind: "progress", id, downloadedBytes: setup.storage.root === "/layers" ? own : 0 });
  if (repository === "done") done();
  else if (repository === "failed") {
    self.postMessage({ kind: "failed", id, error: { code: "digest_mismatch", message: "damaged" } });
  } else if (repository === "crash") throw new Error("the Worker's bug");
  else running.set(id, done);
};
`;

const DIFF_ID = digestOfHex("1".repeat(64));
const SETUP = {
  storage: { driver: "overlay2" as const, root: "/layers" },
  registries: NO_SETTINGS,
  hashEngine: "native" as const,
};

interface Started {
  readonly result: Promise<LayerInfo>;
  /** Resolves with the Worker's number once the job runs. */
  readonly worker: Promise<number>;
  readonly cancel: AbortController;
  readonly hasStarted: () => boolean;
}

async function withPool(
  limits: number | PoolLimits,
  use: (start: (what: string) => Started, pool: IngestPool) => Promise<void>,
): Promise<void> {
  const url = URL.createObjectURL(new Blob([SCRIPTED_WORKER], { type: "application/javascript" }));
  try {
    using pool = new IngestPool(new URL(url), SETUP, typeof limits === "number" ? { maxWorkers: limits } : limits);
    await use((repository) => {
      const cancel = new AbortController();
      const began = Promise.withResolvers<number>();
      let hasStarted = false;
      const descriptor = { mediaType: "layer", digest: DIFF_ID, sizeBytes: 1 };
      const result = pool.ingest({ repository, descriptor, diffId: DIFF_ID }, {
        signal: cancel.signal,
        onProgress: (worker) => {
          hasStarted = true;
          began.resolve(worker);
        },
      });
      result.catch(() => undefined);
      return { result, worker: began.promise, cancel, hasStarted: () => hasStarted };
    }, pool);
  } finally {
    URL.revokeObjectURL(url);
  }
}

Deno.test("results, progress and errors come back from the Worker", () =>
  withPool(1, async (start) => {
    const done = start("done");
    assert.equal((await done.result).diffId, DIFF_ID);
    assert.notEqual(await done.worker, 0, "the Worker was set up");
    await assert.rejects(start("failed").result, (thrown) => isTsdError(thrown, "digest_mismatch"));
  }));

Deno.test("no more layers than the limit are ingested at a time", () =>
  withPool({ maxWorkers: 2, maxJobs: 2 }, async (start) => {
    const running = [start("wait"), start("wait")];
    await Promise.all(running.map(({ worker }) => worker));
    const third = start("done");
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal(third.hasStarted(), false);
    running[0]!.cancel.abort();
    assert.equal((await third.result).diffId, DIFF_ID);
    running[1]!.cancel.abort();
  }));

Deno.test("jobs are spread over the Workers up to their capacity; the rest is queued", () =>
  withPool(2, async (start) => {
    const running = Array.from({ length: 6 }, () => start("runs on"));
    const workers = await Promise.all(running.map(({ worker }) => worker));
    const counts = [...new Set(workers)].map((worker) => workers.filter((each) => each === worker).length);
    assert.deepEqual(counts, [3, 3]);
    const waiting = start("done");
    const cancelled = start("done");
    cancelled.cancel.abort();
    await assert.rejects(cancelled.result, (thrown) => isTsdError(thrown, "cancelled"));
    assert.equal(waiting.hasStarted() || cancelled.hasStarted(), false);
    running[0]!.cancel.abort();
    await assert.rejects(running[0]!.result, (thrown) => isTsdError(thrown, "cancelled"));
    await waiting.result;
    assert.equal(await waiting.worker, workers[0]);
    for (const { cancel } of running) cancel.abort();
    for (const { result } of running) await assert.rejects(result);
  }));

Deno.test("remake and stack do not wait for queued layers", () =>
  withPool({ maxWorkers: 1, maxJobs: 1 }, async (start, pool) => {
    const other = digestOfHex("2".repeat(64));
    await pool.remake(DIFF_ID);
    const running = start("runs on");
    await running.worker;
    await pool.remake(DIFF_ID);
    await pool.stack([other, DIFF_ID]);
    await assert.rejects(pool.remake(other), (thrown) => isTsdError(thrown, "layer_invalid"));
    running.cancel.abort();
    await assert.rejects(running.result);
  }));

Deno.test("the verification of a layer can be cancelled", () =>
  withPool(1, async (_, pool) => {
    const cancel = new AbortController();
    const looking = pool.verify(DIFF_ID, cancel.signal);
    cancel.abort();
    await assert.rejects(looking, { code: "cancelled" });
    await assert.rejects(pool.verify(DIFF_ID, cancel.signal), { code: "cancelled" });
  }));

Deno.test("a failing Worker fails its own jobs only; the next job gets a new Worker", () =>
  withPool(2, async (start) => {
    const sound = start("runs on");
    const soundWorker = await sound.worker;
    const crashing = start("crash");
    const crashingWorker = await crashing.worker;
    assert.notEqual(crashingWorker, soundWorker);
    await assert.rejects(
      crashing.result,
      (thrown) => isTsdError(thrown, "internal") && /An ingest Worker failed: .*the Worker's bug/.test(thrown.message),
    );
    const next = start("done");
    await next.result;
    assert.notEqual(await next.worker, crashingWorker);
    sound.cancel.abort();
    await assert.rejects(sound.result, (thrown) => isTsdError(thrown, "cancelled"));
  }));

Deno.test("disposing of the pool ends its running and queued jobs", async () => {
  let results: Promise<LayerInfo>[] = [];
  await withPool(1, async (start) => {
    const running = Array.from({ length: 4 }, () => start("runs on"));
    await running[0]!.worker;
    results = running.map(({ result }) => result);
  });
  for (const result of results) await assert.rejects(result, (thrown) => isTsdError(thrown, "cancelled"));
});

Deno.test("a job that is cancelled before it starts is rejected", () =>
  withPool(1, async (start) => {
    const first = start("runs on");
    await first.worker;
    first.cancel.abort();
    await assert.rejects(first.result, (thrown) => isTsdError(thrown, "cancelled"));
    // The signal is already aborted.
    const removed = AbortSignal.abort();
    using pool = new IngestPool(new URL("data:,"), SETUP, { maxWorkers: 1 });
    const descriptor = { mediaType: "layer", digest: DIFF_ID, sizeBytes: 1 };
    await assert.rejects(
      pool.ingest({ repository: "x", descriptor, diffId: DIFF_ID }, { signal: removed, onProgress: () => undefined }),
    );
  }));
