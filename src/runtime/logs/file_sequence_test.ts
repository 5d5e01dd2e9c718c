import { strict as assert } from "node:assert";
import { FileSequence } from "./file_sequence.ts";

Deno.test("a result obtained during a rename is discarded and obtained again", async () => {
  const writer = new FileSequence();
  const reader = new FileSequence(writer.memory);
  const discarded: number[] = [];
  let renames = 2;
  const opened = await reader.readConsistently(async (newest) => {
    await Promise.resolve();
    if (renames-- > 0) writer.change(1, () => {});
    return newest;
  }, (newest) => discarded.push(newest));
  assert.deepEqual([opened, discarded, reader.newest], [2, [0, 1], 2]);
});

Deno.test("a failing rename also ends the wait", async () => {
  const sequence = new FileSequence();
  assert.throws(() =>
    sequence.change(1, () => {
      throw new Error("disk");
    })
  );
  assert.equal(await sequence.readConsistently((newest) => Promise.resolve(newest), () => {}), 1);
});

Deno.test("no file is opened during a rename", async () => {
  const sequence = new FileSequence();
  let opened: Promise<number> | undefined;
  sequence.change(1, () => {
    opened = sequence.readConsistently((newest) => Promise.resolve(newest), () => assert.fail("opened too early"));
  });
  assert.equal(await opened, 1);
});
