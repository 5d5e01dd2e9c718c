import { strict as assert } from "node:assert";
import { createHash } from "node:crypto";
import { isTsdError } from "../errors.ts";
import { createSha256, HASH_RINGS, HashRing, TransferableHashers } from "./mod.ts";

const RINGS = new URL("./ring.ts", import.meta.url).href;

/** A thread that hashes for another one, as an ingest Worker does. */
const HELPER = `
import { serveHashing } from ${JSON.stringify(RINGS)};
self.onmessage = async () => self.postMessage(await serveHashing());
`;

interface Helper extends Disposable {
  assign(): Promise<HashRing[]>;
}

function startHelper(): Helper {
  const url = URL.createObjectURL(new Blob([HELPER], { type: "application/javascript" }));
  const worker = new Worker(url, { type: "module" });
  return {
    async assign() {
      const answer = Promise.withResolvers<HashRing[]>();
      worker.onmessage = ({ data }) => answer.resolve(data.map((buffer: SharedArrayBuffer) => new HashRing(buffer)));
      worker.postMessage("lend");
      return await answer.promise;
    },
    [Symbol.dispose]() {
      worker.terminate();
      URL.revokeObjectURL(url);
    },
  };
}

const NOISE = new Uint32Array(1 << 20).map((_, i) => Math.imul(i ^ (i >>> 7), 0x2c1b3c6d));

/** Returns pseudo-random bytes, the same for the same seed, which the caller may change. */
const noise = (length: number, seed: number) => new Uint8Array(NOISE.buffer, 4 * seed, length).slice();

/** Hashes two streams alternately, as a layer has them. `between` is called before each portion. */
async function hashTwo(
  hashers: TransferableHashers,
  portions: readonly number[],
  between: (n: number) => Promise<void>,
) {
  const references = [createHash("sha256"), createHash("sha256")];
  const streams = [await hashers.createHasher(), await hashers.createHasher()];
  for (const [n, length] of portions.entries()) {
    await between(n);
    for (const [which, stream] of streams.entries()) {
      const bytes = noise(length >> which, n + which);
      references[which]!.update(bytes);
      stream.update(bytes);
      bytes.fill(0xee); // the hasher must not keep the caller's bytes
    }
  }
  assert.deepEqual(streams.map((stream) => stream.digestHex()), references.map((reference) => reference.digest("hex")));
}

/** More than a ring holds, nothing at all, and the ends of slots. */
const PORTIONS = [100, 0, 3_000_001, (256 << 10) - 101, 256 << 10, 1, 63, 64, 2_500_000, 5];

Deno.test("another thread takes streams over at any portion and gives them back at any other", async () => {
  using helper = startHelper();
  for (const from of [0, 1, 4]) {
    for (const until of [1, 5, PORTIONS.length]) {
      using hashers = new TransferableHashers(createSha256);
      await hashTwo(hashers, PORTIONS, async (n) => {
        if (n === from) hashers.assign(await helper.assign());
        if (n === until) hashers.reclaim();
      });
    }
  }
});

Deno.test("rings assigned before a stream begins receive it from its start", async () => {
  using helper = startHelper();
  using hashers = new TransferableHashers(createSha256);
  const rings = await helper.assign();
  assert.equal(rings.length, HASH_RINGS);
  hashers.assign(rings);
  await hashTwo(hashers, PORTIONS, () => Promise.resolve());
});

Deno.test("hashers that can't be suspended stay in their thread", async () => {
  using helper = startHelper();
  using hashers = new TransferableHashers(() => createSha256("native"));
  hashers.assign(await helper.assign());
  await hashTwo(hashers, PORTIONS, () => Promise.resolve());
});

Deno.test("abandoned streams leave the other thread free for others", async () => {
  using helper = startHelper();
  for (let n = 0; n < 20; n++) {
    using hashers = new TransferableHashers(createSha256);
    const hasher = await hashers.createHasher();
    hashers.assign(await helper.assign());
    hasher.update(noise(700_000, n));
  }
  using hashers = new TransferableHashers(createSha256);
  hashers.assign(await helper.assign());
  await hashTwo(hashers, [1_000_000], () => Promise.resolve());
});

Deno.test("losing the other thread causes an error instead of an endless wait", async () => {
  const rings = [new HashRing()];
  using hashers = new TransferableHashers(createSha256);
  const hasher = await hashers.createHasher();
  hashers.assign(rings);
  for (const ring of rings) ring.markLost();
  assert.throws(() => hasher.update(noise(4_000_000, 1)), (thrown) => isTsdError(thrown, "internal"));
});
