import { strict as assert } from "node:assert";
import { TsdError } from "../../errors.ts";
import { SILENT_LOG } from "../../log.ts";
import { EXITED, fakeContainer, recordedEvents, RUNNING } from "./containers_testing.ts";
import type { EnginePaths } from "../paths.ts";
import type { CopyJob, PathStat } from "../copy/protocol.ts";
import { CopySession } from "../copy/session.ts";
import { ContainerCopy } from "./copy.ts";

const INFO: PathStat = {
  name: "x",
  sizeBytes: 0,
  mode: 0,
  modified: { seconds: 0n, nanoseconds: 0 },
  linkTarget: "",
};
const CHUNK = new Uint8Array([1, 2, 3]);
const NEVER = new AbortController().signal;

/** Runs a step after a few microtasks, like code that waits for locks. */
async function later(step: () => void): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
  step();
}

/** A `ContainerCopy` of the container `web` with a fake Worker. */
function setup({ user, isRunning = false }: { user?: string; isRunning?: boolean } = {}) {
  const container = fakeContainer(isRunning ? RUNNING : EXITED, user === undefined ? {} : { config: { User: user } });
  const jobs: CopyJob[] = [];
  /** Number of jobs at each time when incomplete copy-ups were finished. */
  const finished: number[] = [];
  const { reported, events } = recordedEvents();
  const state = { exists: true, held: 0, heldVolumes: 0, failure: undefined as TsdError | undefined };
  const begin = (job: CopyJob, signal: AbortSignal) => {
    jobs.push(job);
    const session: CopySession = new CopySession(1, (message) => {
      if (message.kind === "cancel") session.end(new TsdError("cancelled", "cancelled"));
      if (message.kind === "end") session.end(state.failure);
    }, signal);
    if (state.failure !== undefined && job.task.kind !== "unpack") session.end(state.failure);
    else if (job.task.kind !== "unpack") {
      session.receive({ kind: "info", id: 1, info: INFO });
      session.receive({ kind: "chunk", id: 1, bytes: CHUNK });
      session.receive({ kind: "done", id: 1 });
    }
    return Promise.resolve(session);
  };
  const archives = new ContainerCopy({
    paths: { dataRoot: "/data", runDir: "/run" } as EnginePaths,
    table: { find: () => container, has: () => state.exists },
    snapshots: {
      hold: () => {
        state.held++;
        return Promise.resolve({ root: "/root", [Symbol.asyncDispose]: () => Promise.resolve(void state.held--) });
      },
    },
    volumes: {
      hold: () => {
        state.heldVolumes++;
        return Promise.resolve({ [Symbol.asyncDispose]: () => later(() => state.heldVolumes--) });
      },
    },
    filling: { finish: () => Promise.resolve(void finished.push(jobs.length)) },
    workers: { begin },
    events,
    log: SILENT_LOG,
  });
  return { archives, jobs, finished, reported, state };
}

Deno.test("archives: stat, pack and export emit their events and release all mounts", async () => {
  const { archives, jobs, reported, state } = setup();
  assert.deepEqual(await archives.stat("web", "/x", NEVER), INFO);
  const { info, archive } = await archives.pack("web", "/x", NEVER);
  assert.deepEqual([info, await Array.fromAsync(archive)], [INFO, [CHUNK]]);
  const all = await archives.export("web", NEVER);
  assert.deepEqual(reported, ["archive-path"], "an export is told of when it is whole");
  assert.deepEqual(await Array.fromAsync(all), [CHUNK]);
  assert.deepEqual(reported, ["archive-path", "export"]);
  assert.deepEqual(jobs.map(({ task }) => task), [{ kind: "stat", path: "/x" }, { kind: "pack", path: "/x" }, {
    kind: "export",
  }]);
  assert.deepEqual(jobs.map(({ view }) => view.mounts.length), [4, 4, 0]);
  await new Promise((resolve) => setTimeout(resolve));
  assert.equal(state.held, 0);
});

Deno.test("archives: incomplete copy-ups of a stopped container are finished before the job starts", async () => {
  for (const isRunning of [false, true]) {
    const { archives, finished } = setup({ isRunning });
    const request = { path: "/x", mayReplaceDirs: true, toUser: false };
    await archives.stat("web", "/x", NEVER);
    await archives.unpack("web", request, ReadableStream.from([CHUNK]), NEVER);
    await archives.export("web", NEVER);
    assert.deepEqual(finished, isRunning ? [] : [0, 1]);
  }
});

Deno.test("archives: volume mounts are released before the end is reported", async () => {
  const { archives, state } = setup();
  const request = { path: "/x", mayReplaceDirs: true, toUser: false };
  await archives.stat("web", "/x", NEVER);
  assert.equal(state.heldVolumes, 0);
  await archives.unpack("web", request, ReadableStream.from([CHUNK]), NEVER);
  assert.equal(state.heldVolumes, 0);
  for await (const _ of (await archives.pack("web", "/x", NEVER)).archive) {
    assert.equal(state.heldVolumes, 0, "at the last chunk, which has the archive's end marker");
  }
  state.failure = new TsdError("not_found", "Could not find the file /x in container web");
  await assert.rejects(archives.stat("web", "/x", NEVER), { code: "not_found" });
  await assert.rejects(archives.pack("web", "/x", NEVER), { code: "not_found" });
  assert.equal(state.heldVolumes, 0);
});

Deno.test("archives: unpack sets the requested owner", async () => {
  const { archives, jobs, reported } = setup({ user: "app" });
  const request = { path: "/x", mayReplaceDirs: true, toUser: false };
  await archives.unpack("web", request, ReadableStream.from([CHUNK]), NEVER);
  await archives.unpack("web", { ...request, toUser: true, mayReplaceDirs: false }, ReadableStream.from([]), NEVER);
  assert.deepEqual(jobs.map(({ task }) => task), [
    { kind: "unpack", path: "/x", mayReplaceDirs: true, user: undefined },
    { kind: "unpack", path: "/x", mayReplaceDirs: false, user: "app" },
  ]);
  assert.deepEqual(reported, ["extract-to-dir", "extract-to-dir"]);
  const anybody = setup();
  await anybody.archives.unpack("web", { ...request, toUser: true }, ReadableStream.from([]), NEVER);
  assert.equal((anybody.jobs[0]!.task as { user?: string }).user, undefined);
});

Deno.test("archives: a failed job emits no event and releases all mounts", async () => {
  const { archives, reported, state } = setup();
  state.failure = new TsdError("not_found", "Could not find the file /x in container web");
  const request = { path: "/x", mayReplaceDirs: true, toUser: false };
  await assert.rejects(archives.stat("web", "/x", NEVER), { code: "not_found" });
  await assert.rejects(archives.pack("web", "/x", NEVER), { code: "not_found" });
  await assert.rejects(archives.unpack("web", request, ReadableStream.from([]), NEVER), { code: "not_found" });
  const cancel = new AbortController();
  const waiting = archives.unpack("web", request, new ReadableStream<Uint8Array>({}), cancel.signal);
  setTimeout(() => cancel.abort(), 10);
  await assert.rejects(waiting, { code: "cancelled" });
  assert.deepEqual([reported, state.held], [[], 0]);
});

Deno.test("archives: the archive of a container removed meanwhile fails", async () => {
  const { archives, reported, state } = setup();
  const { archive } = await archives.pack("web", "/x", NEVER);
  const all = await archives.export("web", NEVER);
  state.exists = false;
  for (const bytes of [archive, all]) await assert.rejects(Array.fromAsync(bytes), { code: "conflict" });
  assert.deepEqual(reported, ["archive-path"]);
});
