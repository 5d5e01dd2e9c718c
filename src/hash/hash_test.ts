import { strict as assert } from "node:assert";
import { createHash } from "node:crypto";
import fc from "fast-check";
import { createSha256, HASH_ENGINES, hashEngineName, isHashEngine, sha256Hex } from "./mod.ts";

const expected = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

function patterned(lengthBytes: number): Uint8Array {
  return Uint8Array.from({ length: lengthBytes }, (_, i) => (i * 31 + 7) & 0xff);
}

for (const engine of HASH_ENGINES) {
  Deno.test(`${engine}: every length from 0 to 300`, async () => {
    for (let length = 0; length <= 300; length++) {
      const bytes = patterned(length);
      assert.equal(await sha256Hex(bytes, engine), expected(bytes), `length ${length}`);
    }
  });

  Deno.test(`${engine}: chunking does not change the digest, and chunks may be reused at once`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 20_000 }), { maxLength: 8 }), async (chunks) => {
        const hasher = await createSha256(engine);
        const reference = createHash("sha256");
        for (const chunk of chunks) {
          reference.update(chunk);
          hasher.update(chunk);
          chunk.fill(0xee);
        }
        assert.equal(hasher.digestHex(), reference.digest("hex"));
      }),
      { numRuns: 50 },
    );
  });

  Deno.test(`${engine}: hashers are independent of each other`, async () => {
    const [a, b] = await Promise.all([createSha256(engine), createSha256(engine)]);
    const bytes = patterned(100_000);
    for (let at = 0; at < bytes.length; at += 1000) {
      a.update(bytes.subarray(at, at + 1000));
      b.update(bytes.subarray(at, at + 500));
    }
    assert.equal(a.digestHex(), expected(bytes));
    assert.notEqual(b.digestHex(), expected(bytes));
  });
}

Deno.test("the default engine is a known engine", () => {
  assert.ok(isHashEngine(hashEngineName()));
  assert.ok(!isHashEngine("md5"));
  assert.ok(!isHashEngine("toString"));
});
