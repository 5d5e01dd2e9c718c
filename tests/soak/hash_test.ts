/** The hash kernels over more bytes than a 32-bit counter holds, with one stream and four at once. */
import { strict as assert } from "node:assert";
import { createHash } from "node:crypto";
import { createSha256 } from "../../src/hash/mod.ts";

const GIB = 1 << 30;
const CHUNK_BYTES = 1 << 20;

for (const streams of [1, 4]) {
  Deno.test(`5 GiB in each of ${streams} streams`, async () => {
    const chunk = crypto.getRandomValues(new Uint8Array(1 << 16));
    const bytes = new Uint8Array(CHUNK_BYTES);
    for (let at = 0; at < CHUNK_BYTES; at += chunk.length) bytes.set(chunk, at);
    const hashers = await Promise.all(Array.from({ length: streams }, () => createSha256("wasm")));
    const reference = createHash("sha256");
    for (let n = 0; n < 5 * GIB / CHUNK_BYTES; n++) {
      bytes[n % CHUNK_BYTES] ^= n;
      reference.update(bytes);
      for (const hasher of hashers) hasher.update(bytes);
    }
    const expected = reference.digest("hex");
    for (const hasher of hashers) assert.equal(hasher.digestHex(), expected);
  });
}
