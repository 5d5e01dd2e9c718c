import { strict as assert } from "node:assert";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { type ErrorCode, isTsdError, TsdError } from "../../errors.ts";
import { createSha256, sha256Hex } from "../../hash/mod.ts";
import { hashed } from "../../io/mod.ts";
import type { LayerInfo, LayerStore } from "../../store/driver.ts";
import { type Digest, digestOfHex } from "../../image/digest.ts";
import { type BlobPart, ingestLayer, type LayerIngest } from "./ingest.ts";
import { DOCKER_LAYER, OCI_LAYER } from "../../image/media_types.ts";
import { fastLimitsClient, putBlob, startRegistry } from "../../image/registry/registry_testing.ts";

const TAR = Uint8Array.from({ length: 400_000 }, (_, i) => (i * 31) >> 4);
const DIFF_ID = digestOfHex(await sha256Hex(TAR));

/** A store that records only the content that would have become visible. */
class FakeStore implements Pick<LayerStore, "ingest"> {
  readonly committed: Digest[] = [];

  async ingest(tar: ReadableStream<Uint8Array>, { diffId }: { diffId: Digest }): Promise<LayerInfo> {
    const hasher = await createSha256();
    let tarBytes = 0;
    for await (const chunk of hashed(tar, hasher)) tarBytes += chunk.length;
    const found = digestOfHex(hasher.digestHex());
    if (found !== diffId) throw new TsdError("digest_mismatch", `Cannot commit layer ${diffId}: its tar has ${found}`);
    this.committed.push(diffId);
    return { diffId, tarBytes, contentBytes: 0, entries: 0 };
  }
}

async function ingest(
  packed: Uint8Array,
  mediaType: string,
  change: Partial<LayerIngest> = {},
  spoil: (bytes: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer> = (bytes) => bytes,
): Promise<{ info: LayerInfo; store: FakeStore }> {
  await using registry = startRegistry();
  const descriptor = await putBlob(registry, packed, mediaType);
  const held = registry.content.get(`blobs/${descriptor.digest}`)!;
  held.bytes = spoil(held.bytes);
  const client = fastLimitsClient();
  const store = new FakeStore();
  try {
    const info = await ingestLayer({
      openBlob: (blob, options) => client.openBlob(registry.ref("web"), blob, options),
      store,
      descriptor,
      diffId: DIFF_ID,
      ...change,
    });
    return { info, store };
  } catch (error) {
    assert.deepEqual(store.committed, [], "nothing became visible");
    throw error;
  }
}

const rejects = (work: Promise<unknown>, code: ErrorCode, pattern: RegExp) =>
  assert.rejects(work, (error: Error) => {
    assert.ok(isTsdError(error) && error.code === code, String(error));
    assert.match(error.message, pattern);
    return true;
  });

Deno.test("gzip, zstd and uncompressed layers are detected regardless of their media type", async () => {
  for (const packed of [gzipSync(TAR), zstdCompressSync(TAR), TAR]) {
    const { info, store } = await ingest(packed, DOCKER_LAYER);
    assert.deepEqual(info, { diffId: DIFF_ID, tarBytes: TAR.length, contentBytes: 0, entries: 0 });
    assert.deepEqual(store.committed, [DIFF_ID]);
  }
});

Deno.test("progress ends with all bytes", async () => {
  const seen: number[] = [];
  const packed = gzipSync(TAR);
  await ingest(packed, OCI_LAYER, { onProgress: (bytes) => seen.push(bytes) });
  assert.equal(seen.at(-1), packed.length);
  assert.deepEqual(seen, seen.toSorted((a, b) => a - b));
});

Deno.test("an unknown media type is rejected before anything is fetched", () =>
  rejects(
    ingest(TAR, "application/vnd.example.wasm", { openBlob: () => assert.fail("fetched") }),
    "layer_invalid",
    /media type "application\/vnd\.example\.wasm" is not that of a layer/,
  ));

Deno.test("every mismatch is rejected with its own error", async () => {
  const packed = gzipSync(TAR);
  const flip = (bytes: Uint8Array<ArrayBuffer>) => bytes.map((byte, i) => i === 1000 ? byte ^ 1 : byte);
  await rejects(ingest(packed, OCI_LAYER, {}, flip), "digest_mismatch", /^Cannot accept layer sha256:/);
  await rejects(ingest(packed, OCI_LAYER, {}, (bytes) => bytes.slice(0, -9)), "size_mismatch", /size is/);
  await rejects(ingest(packed.subarray(0, -9), OCI_LAYER), "layer_invalid", /layer sha256:.*truncated/);
  await rejects(ingest(new Uint8Array([...packed, 0, 0]), OCI_LAYER), "layer_invalid", /behind the end/);
  await rejects(ingest(gzipSync(TAR.slice(1)), OCI_LAYER), "digest_mismatch", /its tar has/);
});

Deno.test("a layer above the size limit is rejected", () =>
  rejects(
    ingest(gzipSync(TAR), OCI_LAYER, { limits: { tarBytes: 1000, entries: 1 } }),
    "layer_too_large",
    /layer sha256:.*larger than 1000 bytes/,
  ));

Deno.test("a cancelled layer is not stored", () =>
  rejects(ingest(gzipSync(TAR), OCI_LAYER, { signal: AbortSignal.abort() }), "cancelled", /cancelled/));

/** A partial blob in memory. */
class MemoryPart implements BlobPart {
  restarts = 0;

  constructor(public bytes: Uint8Array) {}

  get heldBytes(): number {
    return this.bytes.length;
  }

  async *read(): AsyncGenerator<Uint8Array> {
    yield this.bytes.slice();
  }

  append(bytes: Uint8Array): void {
    this.bytes = new Uint8Array([...this.bytes, ...bytes]);
  }

  restart(): void {
    this.restarts++;
    this.bytes = new Uint8Array(0);
  }
}

/** Ingests with a part and returns the offsets that were requested from the registry. */
async function continuing(part: BlobPart, packed: Uint8Array, spoil = (bytes: Uint8Array<ArrayBuffer>) => bytes) {
  await using registry = startRegistry();
  const descriptor = await putBlob(registry, packed, OCI_LAYER);
  const held = registry.content.get(`blobs/${descriptor.digest}`)!;
  held.bytes = spoil(held.bytes);
  const client = fastLimitsClient();
  const store = new FakeStore();
  const offsets: (number | undefined)[] = [];
  const openBlob: LayerIngest["openBlob"] = (blob, options) => {
    offsets.push(options.offset);
    return client.openBlob(registry.ref("web"), blob, options);
  };
  const [ended] = await Promise.allSettled([ingestLayer({ openBlob, store, descriptor, diffId: DIFF_ID, part })]);
  return { ended, offsets, committed: store.committed };
}

Deno.test("a download resumes where its part ends, and sends no request if the part is complete", async () => {
  const packed = new Uint8Array(gzipSync(TAR));
  for (const length of [0, 1, 5000, packed.length]) {
    const part = new MemoryPart(packed.subarray(0, length));
    const { ended, offsets, committed } = await continuing(part, packed);
    assert.deepEqual([ended.status, committed], ["fulfilled", [DIFF_ID]]);
    assert.deepEqual(offsets, length === packed.length ? [] : [length]);
    assert.deepEqual([part.bytes, part.restarts], [packed, 0]);
  }
});

Deno.test("a damaged part is downloaded again, once", async () => {
  const packed = new Uint8Array(gzipSync(TAR));
  for (const at of [0, 2000]) {
    const damaged = packed.slice(0, 5000).map((byte, i) => i === at ? byte ^ 1 : byte);
    const part = new MemoryPart(damaged);
    const { ended, offsets } = await continuing(part, packed);
    assert.deepEqual([ended.status, offsets, part.restarts], ["fulfilled", [5000, 0], 1]);
    assert.deepEqual(part.bytes, packed);
  }
  const flip = (bytes: Uint8Array<ArrayBuffer>) => bytes.map((byte, i) => i === 6000 ? byte ^ 1 : byte);
  const { ended, offsets } = await continuing(new MemoryPart(packed.subarray(0, 5000)), packed, flip);
  assert.deepEqual([ended.status, offsets], ["rejected", [5000, 0]]);
  assert.ok(ended.status === "rejected" && isTsdError(ended.reason, "digest_mismatch"));
});
