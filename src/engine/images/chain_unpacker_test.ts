import { strict as assert } from "node:assert";
import { digestOfHex } from "../../image/digest.ts";
import { settle } from "../../async/clock_testing.ts";
import { ChainUnpacker } from "./chain_unpacker.ts";

const [ONE, TWO, THREE] = ["1", "2", "3"].map((fill) => digestOfHex(fill.repeat(64))) as [Digest, Digest, Digest];
type Digest = ReturnType<typeof digestOfHex>;

Deno.test("layers are combined from the lowest up, sequentially, while others are still arriving", async () => {
  const steps: { height: number; done: () => void }[] = [];
  const stack = (layers: readonly Digest[]) =>
    new Promise<void>((done) => void steps.push({ height: layers.length, done }));
  const building = new ChainUnpacker({ stack }, [ONE, TWO, TWO, THREE]);
  building.arrived(TWO);
  await settle();
  assert.equal(steps.length, 0);
  building.arrived(ONE);
  await settle();
  building.arrived(THREE);
  await settle();
  assert.deepEqual(steps.map(({ height }) => height), [3]);
  let isFinished = false;
  const finished = building.finished().then(() => isFinished = true);
  steps[0]!.done();
  await settle();
  assert.deepEqual([steps.map(({ height }) => height), isFinished], [[3, 4], false]);
  steps[1]!.done();
  await finished;
});

Deno.test("a failure is reported by finished(); a store that does not combine layers is skipped", async () => {
  const failing = new ChainUnpacker({ stack: () => Promise.reject(new Error("no room")) }, [ONE]);
  failing.arrived(ONE);
  await assert.rejects(failing.finished(), /no room/);
  const plain = new ChainUnpacker({}, [ONE]);
  plain.arrived(ONE);
  await plain.finished();
});
