import { strict as assert } from "node:assert";
import { inDir, listing, make } from "../../archive/archive_testing.ts";
import { END_OF_TAR } from "../../tar/mod.ts";
import { concat, decodeAll, rawFile } from "../../tar/tar_testing.ts";
import { workerUrl } from "../../worker_entry.ts";
import type { CopyTask } from "./protocol.ts";
import { CopyWorkers, type CopyWorkersOptions } from "./workers.ts";

/** Acts as the job's path says: answers, never answers, counts its input, or fails. */
const SCRIPTED = `
let id, fed = 0;
const info = (name) => self.postMessage({ kind: "info", id, info: { name } });
self.onmessage = ({ data }) => {
  if (data.kind === "cancel") {
    self.postMessage({ kind: "failed", id, error: { code: "cancelled", message: "cancelled" } });
  } else if (data.kind === "chunk") {
    fed++;
    if (fed === 20) self.postMessage({ kind: "failed", id, error: { code: "archive_invalid", message: "enough" } });
    else self.postMessage({ kind: "credit", id });
  } else if (data.kind === "begin") {
    id = data.id;
    const { path } = data.job.task;
    if (path === "break") throw new Error("the Worker's bug");
    if (path === "endless") for (let n = 0; n < 8; n++) self.postMessage({ kind: "chunk", id, bytes: new Uint8Array(1) });
    if (path !== "answer") return;
    info("done");
    self.postMessage({ kind: "done", id });
  }
};
`;

async function withScripted(options: CopyWorkersOptions, use: (workers: CopyWorkers) => Promise<void>) {
  const url = URL.createObjectURL(new Blob([SCRIPTED], { type: "application/javascript" }));
  try {
    using workers = new CopyWorkers(new URL(url), options);
    await use(workers);
  } finally {
    URL.revokeObjectURL(url);
  }
}

const NEVER = new AbortController().signal;
const job = (root: string, task: CopyTask) => ({
  view: { root, readOnly: false, mounts: [] },
  task,
  container: "web",
});
const stat = (path: string) => job("/", { kind: "stat", path });

Deno.test("workers: each has one job; further jobs are queued and can be cancelled", () =>
  withScripted({ maxWorkers: 2 }, async (workers) => {
    const cancel = [new AbortController(), new AbortController(), new AbortController()];
    const busy = await Promise.all(cancel.slice(0, 2).map(({ signal }) => workers.begin(stat("silent"), signal)));
    const third = workers.begin(stat("answer"), cancel[2]!.signal);
    const fourth = workers.begin(stat("answer"), NEVER);
    cancel[2]!.abort();
    await assert.rejects(third, { code: "cancelled" });
    cancel[0]!.abort();
    await assert.rejects(busy[0]!.info(), { code: "cancelled" });
    assert.equal((await (await fourth).info()).name, "done");
    cancel[1]!.abort();
    await assert.rejects(busy[1]!.ended(), { code: "cancelled" });
  }));

Deno.test("workers: a failed one fails its own job only, and the next job gets a new one", () =>
  withScripted({ maxWorkers: 1 }, async (workers) => {
    const broken = await workers.begin(stat("break"), NEVER);
    await assert.rejects(broken.info(), { code: "internal", message: /the Worker's bug/ });
    await assert.rejects(broken.feed(ReadableStream.from([new Uint8Array(1)])), { code: "internal" });
    assert.equal((await (await workers.begin(stat("answer"), NEVER)).info()).name, "done");
  }));

Deno.test("workers: input ends with the job, even while a read of its source is pending", () =>
  withScripted({}, async (workers) => {
    let given = 0;
    let isLeft = false;
    const source = (async function* () {
      try {
        for (;;) {
          yield new Uint8Array(10);
          if (++given === 19) await new Promise((resolve) => setTimeout(resolve, 30));
        }
      } finally {
        isLeft = true;
      }
    })();
    await assert.rejects((await workers.begin(stat("eat"), NEVER)).feed(source), { code: "archive_invalid" });
    assert.ok(given < 30, `${given} chunks`);
    assert.equal(isLeft, true);
    const silent = new ReadableStream<Uint8Array>({});
    const cancel = new AbortController();
    const session = await workers.begin(stat("eat"), cancel.signal);
    setTimeout(() => cancel.abort(), 10);
    await assert.rejects(session.feed(silent), { code: "cancelled" });
  }));

Deno.test("workers: disposing of the pool ends all jobs", async () => {
  await withScripted({ maxWorkers: 1 }, async (workers) => {
    const running = await workers.begin(stat("silent"), NEVER);
    const waiting = workers.begin(stat("answer"), NEVER);
    workers[Symbol.dispose]();
    await assert.rejects(running.ended(), { message: "The engine is stopping" });
    await assert.rejects(waiting, { message: "The engine is stopping" });
  });
});

Deno.test(
  "real workers: stat, pack, and unpack of the same archive",
  inDir(async (dir) => {
    const text = "0123456789".repeat(300_000);
    make(dir, { "from/d/large": text, "from/d/small": "s", "to/x": null });
    using workers = new CopyWorkers(workerUrl("archive"));
    const begin = (task: CopyTask, signal = NEVER) => workers.begin(job(dir, task), signal);
    const packing = await begin({ kind: "pack", path: "/from/d" });
    assert.equal((await packing.info()).name, "d");
    const chunks = await Array.fromAsync(packing.output());
    await packing.ended();
    assert.ok(chunks.length > 10, "more than fit into a window");
    assert.equal(decodeAll(concat(...chunks)).entries.find(({ entry }) => entry.path === "d/large")?.data, text);
    const unpacking = await begin({ kind: "unpack", path: "/to/x", mayReplaceDirs: false });
    const small = ReadableStream.from(cut(concat(...chunks), 10_000)).pipeThrough(new CompressionStream("gzip"));
    await unpacking.feed(small);
    assert.equal(Deno.readTextFileSync(`${dir}/to/x/d/large`), text);
    await assert.rejects((await begin({ kind: "stat", path: "/nothing" })).info(), {
      code: "not_found",
      message: "Could not find the file /nothing in container web",
    });
    const exporting = await begin({ kind: "export" });
    const all = decodeAll(concat(...await Array.fromAsync(exporting.output()))).entries;
    assert.equal(all[0]?.entry.path, "from/");
  }),
);

Deno.test(
  "real workers: a job cancelled midway, and an invalid archive",
  inDir(async (dir) => {
    make(dir, { "large": "x".repeat(20_000_000), "to": null });
    using workers = new CopyWorkers(workerUrl("archive"), { maxWorkers: 1 });
    const cancel = new AbortController();
    const packing = await workers.begin(job(dir, { kind: "pack", path: "/large" }), cancel.signal);
    for await (const _ of packing.output()) break;
    cancel.abort();
    await assert.rejects(packing.ended(), { code: "cancelled" });
    const unpack = (path: string) => job(dir, { kind: "unpack", path, mayReplaceDirs: false });
    const waiting = new AbortController();
    const stuck = await workers.begin(unpack("/to"), waiting.signal);
    setTimeout(() => waiting.abort(), 20);
    await assert.rejects(stuck.feed(new ReadableStream<Uint8Array>({})), { code: "cancelled" });
    const hostile = ReadableStream.from([concat(rawFile("ok", "1"), rawFile("../../out", "2"), END_OF_TAR)]);
    await assert.rejects((await workers.begin(unpack("/to"), NEVER)).feed(hostile), { code: "archive_invalid" });
    await assert.rejects((await workers.begin(unpack("/large"), NEVER)).feed(ReadableStream.from([])), {
      code: "invalid_argument",
    });
    assert.deepEqual(listing(`${dir}/to`), ["f 644 ok 1"]);
  }),
);

function cut(bytes: Uint8Array<ArrayBuffer>, sizeBytes: number): Uint8Array<ArrayBuffer>[] {
  const count = Math.ceil(bytes.length / sizeBytes);
  return Array.from({ length: count }, (_, n) => bytes.slice(n * sizeBytes, (n + 1) * sizeBytes));
}
