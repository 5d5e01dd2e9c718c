import { strict as assert } from "node:assert";
import { type HashHelper, HashOffload, type Offloadable } from "./hash_offload.ts";
import type { ToIngestWorker } from "./ingest_protocol.ts";

const LARGE = 100 << 20;

interface FakeHashHelper extends HashHelper {
  readonly jobs: Map<number, Offloadable>;
  /** Messages received since the last call. */
  reported(): string[];
}

function hand(jobs: Record<number, number> = {}): FakeHashHelper {
  const reported: ToIngestWorker[] = [];
  const layer = (sizeBytes: number): Offloadable => ({ sizeBytes, downloadedBytes: 0 });
  return {
    jobs: new Map(Object.entries(jobs).map(([id, sizeBytes]) => [Number(id), layer(sizeBytes)])),
    post: (message) => void reported.push(message),
    reported: () => reported.splice(0).map((message) => `${message.kind} ${"id" in message ? message.id : ""}`),
  };
}

const nobody = () => undefined;
const rings = () => [new SharedArrayBuffer(4 << 20)];

Deno.test("an idle Worker helps with the layer that has the most bytes remaining", () => {
  const help = new HashOffload();
  const [busy, idle] = [hand({ 1: LARGE, 2: 2 * LARGE, 3: LARGE }), hand()];
  busy.jobs.get(2)!.downloadedBytes = 1.5 * LARGE;
  busy.jobs.get(1)!.downloadedBytes = 0.2 * LARGE;
  help.balance(new Set([busy, idle]), nobody);
  assert.deepEqual([busy.reported(), idle.reported()], [[], ["lend 3"]]);
  help.lent(3, rings());
  help.balance(new Set([busy, idle]), nobody);
  assert.deepEqual([busy.reported(), idle.reported()], [["help 3"], []], "one at a time");
  busy.jobs.delete(3);
  help.over(3);
  help.balance(new Set([busy, idle]), nobody);
  assert.deepEqual(idle.reported(), ["lend 1"], "and the next one");
});

Deno.test("a Worker is started as a helper only for a large layer", () => {
  const help = new HashOffload();
  const [small, large, started] = [hand({ 1: 100_000 }), hand({ 2: LARGE }), hand()];
  help.balance(new Set([small]), () => assert.fail("for so little"));
  help.balance(new Set([small, large]), () => started);
  assert.deepEqual(started.reported(), ["lend 2"]);
});

Deno.test("a helper that gets a layer to ingest stops helping", () => {
  const help = new HashOffload();
  const [busy, idle] = [hand({ 1: LARGE }), hand()];
  help.balance(new Set([busy, idle]), nobody);
  help.lent(1, rings());
  idle.jobs.set(2, { sizeBytes: LARGE, downloadedBytes: 0 });
  help.balance(new Set([busy, idle]), nobody);
  assert.deepEqual([busy.reported(), idle.reported()], [["help 1", "alone 1"], ["lend 1"]]);
});

Deno.test("a helper that is ready too late is released", () => {
  const help = new HashOffload();
  const [busy, idle] = [hand({ 1: LARGE }), hand()];
  help.balance(new Set([busy, idle]), nobody);
  help.over(1);
  const [buffer] = rings();
  help.lent(1, [buffer!]);
  assert.deepEqual(busy.reported(), []);
  assert.equal(new Int32Array(buffer!)[3], 1, "left");
});

Deno.test("when a Worker is lost, the other side is notified", () => {
  for (const [lost, word] of [["helper", 2], ["owner", 3]] as const) {
    const help = new HashOffload();
    const [busy, idle] = [hand({ 1: LARGE }), hand()];
    help.balance(new Set([busy, idle]), nobody);
    const [buffer] = rings();
    help.lent(1, [buffer!]);
    help.lost(lost === "helper" ? idle : busy);
    assert.equal(new Int32Array(buffer!)[word], 1, lost);
  }
});

Deno.test("a helper that is lost after its assignment was cancelled blocks nobody", () => {
  for (const isBack of [false, true]) {
    const help = new HashOffload();
    const [busy, idle] = [hand({ 1: LARGE }), hand()];
    help.balance(new Set([busy, idle]), nobody);
    const [buffer] = rings();
    help.lent(1, [buffer!]);
    idle.jobs.set(2, { sizeBytes: LARGE, downloadedBytes: 0 });
    help.balance(new Set([busy, idle]), nobody);
    assert.deepEqual(busy.reported(), ["help 1", "alone 1"]);
    if (isBack) help.back(1);
    help.lost(idle);
    assert.equal(new Int32Array(buffer!)[2], isBack ? 0 : 1, isBack ? "nobody waits any more" : "broken");
  }
});

Deno.test("another helper can take over a layer whose helper was withdrawn", () => {
  const help = new HashOffload();
  const [busy, first, second] = [hand({ 1: LARGE }), hand(), hand()];
  help.balance(new Set([busy, first]), nobody);
  help.lent(1, rings());
  first.jobs.set(2, { sizeBytes: 1, downloadedBytes: 0 });
  help.balance(new Set([busy, first, second]), nobody);
  const [buffer] = rings();
  help.lent(1, [buffer!]);
  assert.deepEqual([busy.reported(), second.reported()], [["help 1", "alone 1", "help 1"], ["lend 1"]]);
  help.back(1);
  help.lost(second);
  assert.equal(new Int32Array(buffer!)[2], 1);
});
