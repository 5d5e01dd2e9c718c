import { strict as assert } from "node:assert";
import { isFirstSinceBoot } from "./boot.ts";

Deno.test("boot: the first engine after each boot is told so, and no other", async () => {
  const dir = await Deno.makeTempDir();
  try {
    const engineAt = (bootId: string) => isFirstSinceBoot(dir, () => Promise.resolve(`${bootId}\n`));
    const answers = [await engineAt("a"), await engineAt("a"), await engineAt("b"), await engineAt("b")];
    assert.deepEqual(answers, [true, false, true, false]);
    assert.equal(await isFirstSinceBoot(dir), true);
    assert.equal(await isFirstSinceBoot(dir), false);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
