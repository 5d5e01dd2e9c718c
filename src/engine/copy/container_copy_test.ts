import { strict as assert } from "node:assert";
import { TsdError } from "../../errors.ts";
import { SILENT_LOG } from "../../log.ts";
import { EXITED, fakeContainer, recordedEvents, RUNNING } from "../containers/containers_testing.ts";
import type { EnginePaths } from "../paths.ts";
import type { ArchiveJob, PathFacts } from "./protocol.ts";
import { ArchiveSession } from "./session.ts";
import { ContainerArchives } from "./container_copy.ts";

const FACTS: PathFacts = {
  name: "x",
  sizeBytes: 0,
  mode: 0,
  modified: { seconds: 0n, nanoseconds: 0 },
  linkTarget: "",
};
const CHUNK = new Uint8Array([1, 2, 3]);
const NEVER = new AbortController().signal;

/** Archives of the container `web`, on a Worker that does what the bench says. */
function bench({ user, isRunning = false }: { user?: string; isRunning?: boolean } = {}) {
  const container = fakeContainer(isRunning ? RUNNING : EXITED, user === undefined ? {} : { config: { User: user } });
  const jobs: ArchiveJob[] = [];
  /** How many jobs there were whenever half copies were finished. */
  const finished: number[] = [];
  const { told, events } = recordedEvents();
  const state = { isThere: true, held: 0, failure: undefined as TsdError | undefined };
  const begin = (job: ArchiveJob, signal: AbortSignal) => {
    jobs.push(job);
    const session: ArchiveSession = new ArchiveSession(1, (message) => {
      if (message.kind === "cancel") session.end(new TsdError("cancelled", "cancelled"));
      if (message.kind === "end") session.end(state.failure);
    }, signal);
    if (state.failure !== undefined && job.task.kind !== "unpack") session.end(state.failure);
    else if (job.task.kind !== "unpack") {
      session.receive({ kind: "facts", id: 1, facts: FACTS });
      session.receive({ kind: "chunk", id: 1, bytes: CHUNK });
      session.receive({ kind: "done", id: 1 });
    }
    return Promise.resolve(session);
  };
  const archives = new ContainerArchives({
    paths: { dataRoot: "/data", runDir: "/run" } as EnginePaths,
    table: { find: () => container, has: () => state.isThere },
    snapshots: {
      hold: () => {
        state.held++;
        return Promise.resolve({ root: "/root", [Symbol.asyncDispose]: () => Promise.resolve(void state.held--) });
      },
    },
    volumes: { hold: () => Promise.resolve(new AsyncDisposableStack()) },
    filling: { finish: () => Promise.resolve(void finished.push(jobs.length)) },
    workers: { begin },
    events,
    log: SILENT_LOG,
  });
  return { archives, jobs, finished, told, state };
}

Deno.test("archives: facts, a packed path, a whole root; events, and nothing is held in the end", async () => {
  const { archives, jobs, told, state } = bench();
  assert.deepEqual(await archives.stat("web", "/x", NEVER), FACTS);
  const { facts, archive } = await archives.pack("web", "/x", NEVER);
  assert.deepEqual([facts, await Array.fromAsync(archive)], [FACTS, [CHUNK]]);
  const all = await archives.export("web", NEVER);
  assert.deepEqual(told, ["archive-path"], "an export is told of when it is whole");
  assert.deepEqual(await Array.fromAsync(all), [CHUNK]);
  assert.deepEqual(told, ["archive-path", "export"]);
  assert.deepEqual(jobs.map(({ task }) => task), [{ kind: "stat", path: "/x" }, { kind: "pack", path: "/x" }, {
    kind: "export",
  }]);
  assert.deepEqual(jobs.map(({ view }) => view.mounts.length), [4, 4, 0]);
  await new Promise((resolve) => setTimeout(resolve));
  assert.equal(state.held, 0);
});

Deno.test("archives: volumes of what doesn't run are whole before anybody looks into them", async () => {
  for (const isRunning of [false, true]) {
    const { archives, finished } = bench({ isRunning });
    const request = { path: "/x", mayReplaceFolders: true, toUser: false };
    await archives.stat("web", "/x", NEVER);
    await archives.unpack("web", request, ReadableStream.from([CHUNK]), NEVER);
    await archives.export("web", NEVER);
    assert.deepEqual(finished, isRunning ? [] : [0, 1]);
  }
});

Deno.test("archives: unpacking, as whom it says", async () => {
  const { archives, jobs, told } = bench({ user: "app" });
  const request = { path: "/x", mayReplaceFolders: true, toUser: false };
  await archives.unpack("web", request, ReadableStream.from([CHUNK]), NEVER);
  await archives.unpack("web", { ...request, toUser: true, mayReplaceFolders: false }, ReadableStream.from([]), NEVER);
  assert.deepEqual(jobs.map(({ task }) => task), [
    { kind: "unpack", path: "/x", mayReplaceFolders: true, user: undefined },
    { kind: "unpack", path: "/x", mayReplaceFolders: false, user: "app" },
  ]);
  assert.deepEqual(told, ["extract-to-dir", "extract-to-dir"]);
  const anybody = bench();
  await anybody.archives.unpack("web", { ...request, toUser: true }, ReadableStream.from([]), NEVER);
  assert.equal((anybody.jobs[0]!.task as { user?: string }).user, undefined);
});

Deno.test("archives: what fails tells nobody of anything, and holds nothing", async () => {
  const { archives, told, state } = bench();
  state.failure = new TsdError("not_found", "Could not find the file /x in container web");
  const request = { path: "/x", mayReplaceFolders: true, toUser: false };
  await assert.rejects(archives.stat("web", "/x", NEVER), { code: "not_found" });
  await assert.rejects(archives.pack("web", "/x", NEVER), { code: "not_found" });
  await assert.rejects(archives.unpack("web", request, ReadableStream.from([]), NEVER), { code: "not_found" });
  const cancel = new AbortController();
  const waiting = archives.unpack("web", request, new ReadableStream<Uint8Array>({}), cancel.signal);
  setTimeout(() => cancel.abort(), 10);
  await assert.rejects(waiting, { code: "cancelled" });
  assert.deepEqual([told, state.held], [[], 0]);
});

Deno.test("archives: what was taken away with its container isn't whole", async () => {
  const { archives, told, state } = bench();
  const { archive } = await archives.pack("web", "/x", NEVER);
  const all = await archives.export("web", NEVER);
  state.isThere = false;
  for (const bytes of [archive, all]) await assert.rejects(Array.fromAsync(bytes), { code: "conflict" });
  assert.deepEqual(told, ["archive-path"]);
});
