import { strict as assert } from "node:assert";
import { isTsdError } from "../../errors.ts";
import { digestOfHex } from "../../image/digest.ts";
import { LayerLeases } from "./layer_leases.ts";

const LAYER = digestOfHex("1".repeat(64));

Deno.test("leases on a layer are counted", () => {
  const leases = new LayerLeases();
  const first = leases.hold([LAYER, LAYER]);
  const second = leases.hold([LAYER]);
  first[Symbol.dispose]();
  assert.ok(leases.has(LAYER));
  second[Symbol.dispose]();
  assert.ok(!leases.has(LAYER));
});

Deno.test("a newly added image has a grace period of two seconds", () => {
  let now = 10;
  const leases = new LayerLeases(() => now);
  const [one, two] = ["a", "b"].map((fill) => digestOfHex(fill.repeat(64)));
  leases.arrived(one);
  now = 1000;
  leases.arrived(two);
  assert.deepEqual([leases.freshForMs(one), leases.freshForMs(two), leases.has(one)], [1010, 2000, false]);
  now = 2500;
  leases.arrived(one);
  assert.deepEqual([leases.freshForMs(one), leases.freshForMs(two), leases.freshForMs(LAYER)], [2000, 500, 0]);
  now = -1_000_000;
  assert.equal(leases.freshForMs(one), 2000, "the clock was put back");
});

Deno.test("a wait for the lock can be cancelled; a running step can't, and the next one runs after it", async () => {
  const leases = new LayerLeases();
  const gate = Promise.withResolvers<void>();
  const leaving = new AbortController();
  const steps: string[] = [];
  const first = leases.exclusively(LAYER, async () => {
    await gate.promise;
    steps.push("first");
  }, leaving.signal);
  const second = leases.exclusively(LAYER, () => Promise.resolve(steps.push("second")), leaving.signal);
  const third = leases.exclusively(LAYER, () => Promise.resolve(steps.push("third")));
  await Promise.resolve();
  leaving.abort();
  await assert.rejects(second, (thrown) => isTsdError(thrown, "cancelled"));
  assert.deepEqual(steps, []);
  gate.resolve();
  await Promise.all([first, third]);
  assert.deepEqual(steps, ["first", "third"]);
});

Deno.test("a failed step rejects its caller only", async () => {
  const leases = new LayerLeases();
  await assert.rejects(leases.exclusively(LAYER, () => Promise.reject(new Error("no"))), /no/);
  assert.equal(await leases.exclusively(LAYER, () => Promise.resolve(7)), 7);
});
