import { strict as assert } from "node:assert";
import { randomBytes } from "node:crypto";
import { gzipSync, zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import { isTsdError, TsdError } from "../errors.ts";
import { sha256Hex } from "../hash/mod.ts";
import { collectBytes, concatenated, decompressed, type DecompressionOptions, verified } from "./mod.ts";

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const SKIPPABLE = concatenated([Uint8Array.of(0x5a, 0x2a, 0x4d, 0x18, 4, 0, 0, 0), ascii("abcd")]);
const EMPTY_SKIPPABLE = Uint8Array.of(0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0);

/** A source in chunks of `step` bytes that counts the bytes pulled from it. */
function chunked(bytes: Uint8Array, step: number): ReadableStream<Uint8Array> & { pulledBytes: () => number } {
  let at = 0;
  const stream = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (at >= bytes.length) return controller.close();
      controller.enqueue(bytes.slice(at, at + step));
      at += step;
    },
  }, { highWaterMark: 0 });
  return Object.assign(stream, { pulledBytes: () => Math.min(at, bytes.length) });
}

async function inflate(bytes: Uint8Array, step = bytes.length + 1, limits?: DecompressionOptions): Promise<Uint8Array> {
  return await collectBytes(decompressed(chunked(bytes, step), limits), { maxBytes: 1 << 28, what: "test" });
}

const rejectsInvalid = (bytes: Uint8Array, pattern: RegExp, step?: number) =>
  assert.rejects(
    inflate(bytes, step),
    (error: Error) => isTsdError(error, "layer_invalid") && pattern.test(error.message),
  );

const STEPS = [1, 7, 1000];

for (const step of STEPS) {
  Deno.test(`gzip, one member and several, in chunks of ${step}`, async () => {
    assert.equal(text(await inflate(gzipSync("hello"), step)), "hello");
    const several = concatenated([gzipSync("hello"), gzipSync(""), gzipSync(" world")]);
    assert.equal(text(await inflate(several, step)), "hello world");
  });

  Deno.test(`zstd, frames and skippable frames, in chunks of ${step}`, async () => {
    const frame = (content: string) => zstdCompressSync(ascii(content));
    assert.equal(text(await inflate(frame("hello"), step)), "hello");
    const all = [SKIPPABLE, frame("hello"), frame(""), EMPTY_SKIPPABLE, frame(" world"), SKIPPABLE];
    assert.equal(text(await inflate(concatenated(all), step)), "hello world");
  });

  Deno.test(`trailing data is rejected, in chunks of ${step}`, async () => {
    for (const junk of [ascii("junk"), new Uint8Array(1), new Uint8Array(600), Uint8Array.of(0x1f)]) {
      await rejectsInvalid(concatenated([gzipSync("hello"), junk]), /gzip/, step);
    }
    await rejectsInvalid(
      concatenated([zstdCompressSync(ascii("hello")), ascii("junk")]),
      /frame/,
      step,
    );
    await rejectsInvalid(
      concatenated([zstdCompressSync(ascii("hello")), Uint8Array.of(0x28)]),
      /frame/,
      step,
    );
  });

  Deno.test(`truncation at any position is rejected, in chunks of ${step}`, async () => {
    const gzip = concatenated([gzipSync("hello hello hello"), gzipSync("x")]);
    const firstMember = gzipSync("hello hello hello").length;
    for (let length = 2; length < gzip.length; length++) {
      if (length !== firstMember) await rejectsInvalid(gzip.slice(0, length), /gzip data ends too early/, step);
    }
    const zstd = zstdCompressSync(ascii("hello hello hello"));
    for (let length = 4; length < zstd.length; length++) {
      await rejectsInvalid(zstd.slice(0, length), /ends in the middle of a frame/, step);
    }
  });
}

Deno.test("uncompressed data passes unchanged, also an empty stream", async () => {
  assert.equal(text(await inflate(ascii("plain"), 2)), "plain");
  assert.equal((await inflate(new Uint8Array(0))).length, 0);
  assert.equal((await inflate(Uint8Array.of(0x1f))).length, 1);
});

Deno.test("xz and bzip2 are rejected by name", async () => {
  await rejectsInvalid(Uint8Array.fromHex("fd377a585a000004"), /xz is not supported/);
  await rejectsInvalid(Uint8Array.fromHex("425a6839314159265359"), /bzip2 is not supported/);
});

Deno.test("damaged gzip and zstd data is rejected", async () => {
  const gzip = gzipSync("hello");
  gzip[gzip.length - 6] ^= 1;
  await rejectsInvalid(gzip, /the gzip data is damaged/);
  const zstd = zstdCompressSync(randomBytes(1000));
  zstd[4] |= 0x08; // A reserved bit.
  await rejectsInvalid(zstd, /the zstd data is damaged/);
});

Deno.test("re-chunking and splitting into members or frames never changes the bytes", async () => {
  const part = fc.tuple(fc.nat({ max: 300_000 }), fc.boolean(), fc.integer({ min: 0, max: 255 }));
  const build = (compress: (bytes: Uint8Array) => Uint8Array, parts: [number, boolean, number][]) => {
    const plain = parts.map(([size, random, fill]) =>
      random ? new Uint8Array(randomBytes(size)) : new Uint8Array(size).fill(fill)
    );
    return { plain: concatenated(plain), packed: concatenated(plain.map(compress)) };
  };
  await fc.assert(
    fc.asyncProperty(
      fc.array(part, { minLength: 1, maxLength: 4 }),
      fc.integer({ min: 500, max: 400_000 }),
      fc.boolean(),
      async (parts, step, gzip) => {
        const { plain, packed } = build(gzip ? gzipSync : zstdCompressSync, parts);
        assert.equal(await sha256Hex(await inflate(packed, step)), await sha256Hex(plain));
      },
    ),
    { numRuns: 40 },
  );
});

Deno.test("limits stop a decompression bomb early", async () => {
  const zeros = new Uint8Array(100 << 20);
  for (const bomb of [gzipSync(zeros, { level: 1 }), zstdCompressSync(zeros)]) {
    const tooLarge = (error: Error) => isTsdError(error, "layer_too_large");
    await assert.rejects(inflate(bomb, 1000, { maxBytes: 1000 }), tooLarge);
    await assert.rejects(inflate(bomb, 1000, { maxRatio: 50 }), tooLarge);
    assert.equal((await inflate(bomb, 1000, { maxBytes: zeros.length })).length, zeros.length);
  }
});

Deno.test("the compressed source is read to its end and its error takes precedence", async () => {
  const gzip = gzipSync(randomBytes(100_000));
  const damaged = new Uint8Array(gzip);
  damaged[500] ^= 0xff;
  const expected = { sizeBytes: gzip.length, digestHex: await sha256Hex(gzip), what: "layer" };
  const read = (bytes: Uint8Array) =>
    collectBytes(decompressed(verified(chunked(bytes, 1000), expected)), { maxBytes: 1 << 20, what: "layer" });
  assert.equal((await read(gzip)).length, 100_000);
  await assert.rejects(read(damaged), (error: Error) => isTsdError(error, "digest_mismatch"));
  await assert.rejects(read(gzip.slice(0, -500)), (error: Error) => isTsdError(error, "size_mismatch"));
  await assert.rejects(read(concatenated([gzip, gzip])), (error: Error) => isTsdError(error, "size_mismatch"));
});

Deno.test("an error of the source is passed on unchanged", async () => {
  const source = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(gzipSync("hello").subarray(0, 15)),
    pull: () => Promise.reject(new TsdError("timeout", "too slow")),
  });
  await assert.rejects(decompressed(source).pipeTo(new WritableStream()), { message: "too slow" });
});

Deno.test("a slow reader pulls slowly, and cancelling cancels the source", async () => {
  for (const compress of [gzipSync, zstdCompressSync]) {
    const packed = compress(randomBytes(4 << 20));
    const source = chunked(packed, 16_384);
    const reader = decompressed(source).getReader();
    await reader.read();
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.ok(source.pulledBytes() < packed.length / 2, `pulled ${source.pulledBytes()} of ${packed.length}`);
    await reader.cancel("enough");
    const pulledBytes = source.pulledBytes();
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal(source.pulledBytes(), pulledBytes);
  }
});

Deno.test("timers run while a bomb is decompressed", async () => {
  const bomb = zstdCompressSync(new Uint8Array(200 << 20));
  let ticks = 0;
  const timer = setInterval(() => ticks++, 5);
  await decompressed(chunked(bomb, 1000)).pipeTo(new WritableStream());
  clearInterval(timer);
  assert.ok(ticks > 0);
});

for (
  const [name, packed] of [["gzip", gzipSync], ["zstd", zstdCompressSync], ["plain", (b: Uint8Array) => b]] as const
) {
  Deno.test(`isFrugal: a ${name} stream has the same bytes, chunk by chunk`, async () => {
    const bytes = new Uint8Array(randomBytes(400_000)).map((byte, at) => at % 3 === 0 ? byte : 97);
    for (const step of [1000, 70_000, 1 << 20]) {
      const source = chunked(new Uint8Array(packed(bytes)), step);
      const parts: Uint8Array[] = [];
      // Copies each chunk (which zlib's `slice` does not) before the next one is requested.
      for await (const chunk of decompressed(source, { isFrugal: true })) parts.push(new Uint8Array(chunk));
      assert.equal(await sha256Hex(concatenated(parts)), await sha256Hex(bytes), `in steps of ${step}`);
    }
  });
}

Deno.test("isFrugal: chunks of the source and consumed chunks of the result are detached", async () => {
  const sourceChunks: Uint8Array[] = [];
  const packed = new Uint8Array(gzipSync(randomBytes(500_000)));
  const source = chunked(packed, 50_000).pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        sourceChunks.push(chunk);
        controller.enqueue(chunk);
      },
    }),
  );
  const resultChunks = await Array.fromAsync(decompressed(source, { isFrugal: true }));
  assert.ok(sourceChunks.length >= 10 && sourceChunks.every(({ byteLength }) => byteLength === 0));
  // All but those that share a buffer with the last one.
  assert.ok(
    resultChunks.filter(({ byteLength }) => byteLength === 0).length >= 7,
    String(resultChunks.map((each) => each.length)),
  );
});
