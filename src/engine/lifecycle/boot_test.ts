import { strict as assert } from "node:assert";
import { bootMarker } from "./boot.ts";

Deno.test("boot: the first engine that comes up after each boot is the first, and no other", async () => {
  const dir = await Deno.makeTempDir();
  try {
    const engineAt = async (bootId?: string, comesUp = true) => {
      const { isFirst, record } = await bootMarker(
        dir,
        bootId === undefined ? undefined : () => Promise.resolve(bootId),
      );
      if (comesUp) await record();
      return isFirst;
    };
    const answers = [await engineAt("a\n"), await engineAt("a\n"), await engineAt("b"), await engineAt("b")];
    assert.deepEqual(answers, [true, false, true, false]);
    assert.deepEqual([await engineAt("c", false), await engineAt("c"), await engineAt("c")], [true, true, false]);
    assert.deepEqual([await engineAt(), await engineAt()], [true, false]);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
