import { strict as assert } from "node:assert";
import { sha256Hex } from "../hash/mod.ts";
import { digestOfHex, hexOf } from "../image/digest.ts";
import { BlobStore } from "./blob_store.ts";

Deno.test("an existing blob isn't written again, unless it is damaged", async () => {
  const root = await Deno.makeTempDir({ prefix: "tsd-blobs-" });
  try {
    const store = new BlobStore(root);
    const bytes = new TextEncoder().encode('{"a":1}');
    const digest = digestOfHex(await sha256Hex(bytes));
    const path = `${root}/blobs/sha256/${hexOf(digest)}`;
    await store.put(digest, bytes);
    const { ino } = await Deno.stat(path);
    await store.put(digest, bytes);
    assert.equal((await Deno.stat(path)).ino, ino);
    for (const damaged of ["", '{"a":2}', '{"a":1} ']) {
      await Deno.writeTextFile(path, damaged);
      await assert.rejects(store.get(digest), { code: "digest_mismatch" });
      await store.put(digest, bytes);
      assert.deepEqual(await store.get(digest), bytes);
    }
    await assert.rejects(store.put(digest, new Uint8Array(3)), { code: "digest_mismatch" });
    await Deno.remove(path);
    await assert.rejects(store.get(digest), { code: "not_found" });
    // An unreadable blob is not reported as missing.
    await Deno.mkdir(path);
    await assert.rejects(store.get(digest), { code: "storage" });
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});
