import { strict as assert } from "node:assert";
import { type Digest, digestOfHex } from "../image/digest.ts";
import { concatenated } from "../io/mod.ts";
import { PartialBlobs } from "./partial_blobs.ts";

const BLOB = digestOfHex("ab".repeat(32));
const bytes = (length: number) => Uint8Array.from({ length }, (_, at) => (at * 31) >> 3);
const SIZE = 1_000_000;

async function withParts(use: (parts: PartialBlobs, path: string) => Promise<void>): Promise<void> {
  const root = await Deno.makeTempDir({ prefix: "tsd-parts-" });
  try {
    await use(new PartialBlobs(root), `${root}/parts/${"ab".repeat(32)}`);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

async function opened(parts: PartialBlobs, digest: Digest = BLOB) {
  const part = await parts.open(digest, SIZE);
  assert.ok(part !== undefined);
  return part;
}

Deno.test("stored bytes are available to the next download, and removed once the layer is stored", () =>
  withParts(async (parts, path) => {
    const content = bytes(700_001);
    const first = await opened(parts);
    assert.equal(first.heldBytes, 0);
    for (let at = 0; at < content.length; at += 9000) first.append(content.subarray(at, at + 9000));
    first.close();
    const second = await opened(parts);
    assert.deepEqual(concatenated(await Array.fromAsync(second.read())), content);
    second.append(bytes(10));
    second.close();
    assert.equal((await Deno.stat(path)).size, content.length + 10);
    const third = await opened(parts);
    third.restart();
    third.append(bytes(3));
    third.close();
    assert.deepEqual(await Deno.readFile(path), bytes(3));
    (await opened(parts)).discard();
    assert.deepEqual(await parts.left(), []);
    await assert.rejects(Deno.stat(path), Deno.errors.NotFound);
  }));

Deno.test("an empty partial blob leaves no file; one longer than the layer is truncated", () =>
  withParts(async (parts, path) => {
    (await opened(parts)).close();
    await assert.rejects(Deno.stat(path), Deno.errors.NotFound);
    await Deno.writeFile(path, bytes(SIZE + 1));
    const part = await opened(parts);
    assert.deepEqual([part.heldBytes, (await Deno.stat(path)).size], [0, 0]);
    part.discard();
    await Deno.writeFile(path, bytes(SIZE));
    const whole = await opened(parts);
    assert.equal(whole.heldBytes, SIZE);
    await Deno.remove(path);
    whole.discard();
  }));

Deno.test("a partial blob is used by one download at a time, and can't be removed meanwhile", () =>
  withParts(async (parts, path) => {
    const part = await opened(parts);
    part.append(bytes(300_000));
    assert.equal(await parts.open(BLOB, SIZE), undefined);
    assert.deepEqual([await parts.left(), await parts.remove(BLOB)], [[], undefined]);
    part.close();
    await Deno.writeTextFile(`${path}.else`, "");
    const [unused] = await parts.left();
    assert.deepEqual([unused!.digest, unused!.bytes], [BLOB, 300_000]);
    assert.ok(Math.abs(unused!.changedMs - Date.now()) < 60_000);
    assert.deepEqual([await parts.remove(BLOB), await parts.remove(BLOB)], [300_000, undefined]);
  }));

Deno.test("a full disk doesn't stop the download", async () => {
  const full = await Deno.open("/dev/full", { read: true, write: true });
  const { PartialBlobWriter } = await import("./partial_blobs.ts");
  const part = new PartialBlobWriter("/nonexistent/part", full, SIZE);
  part.append(bytes(300_000));
  part.append(bytes(300_000));
  assert.equal(part.heldBytes, 0);
  part.close();
});
