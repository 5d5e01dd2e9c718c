import { strict as assert } from "node:assert";
import fc from "fast-check";
import { gunzipSync } from "node:zlib";
import { bytesOf, type ByteString, byteStringOf, tarHeader } from "../../tar/mod.ts";
import { DirectoryNode, FileNode } from "../layer_tree.ts";
import { type FilePart, type TarSplitPart, tarSplitParts, TarSplitWriter } from "./tar_split.ts";

type Spec = ByteString | { path: ByteString; index: number; extents: number };

function fileNode({ path, index, extents }: Exclude<Spec, string>): FileNode {
  const names = path.split("/");
  const name = names.pop()!;
  const parent = names.reduce((dir, part) => new DirectoryNode(dir, part), new DirectoryNode(null, ""));
  const sparse = Array.from({ length: extents }, (_, i) => ({ offset: i * 10, length: 4 }));
  const header = tarHeader({ type: "file", path, sizeBytes: 2 ** 40 + index });
  const stored = { index, dataOffset: 0, storedBytes: 4 * extents, sparse };
  return new FileNode(parent, name, header, { ...header, ...stored });
}

/** Writes and compresses the parts, decompresses, re-chunks and reads them; adjacent raw parts are joined. */
async function roundTrip(specs: readonly Spec[], chunkBytes: number): Promise<(ByteString | FilePart)[]> {
  const members: Uint8Array[] = [];
  const writer = new TarSplitWriter((bytes) => void members.push(bytes));
  for (const spec of specs) {
    if (typeof spec === "string") writer.raw(bytesOf(spec));
    else writer.file(fileNode(spec));
  }
  writer.end();
  const plain = members.map((member) => new Uint8Array(gunzipSync(member)));
  const chunks = plain.flatMap((bytes) =>
    Array.from(
      { length: Math.ceil(bytes.length / chunkBytes) },
      (_, i) => bytes.subarray(i * chunkBytes, i * chunkBytes + chunkBytes),
    )
  );
  return joined(await Array.fromAsync(tarSplitParts(ReadableStream.from(chunks))));
}

function joined(parts: readonly TarSplitPart[]): (ByteString | FilePart)[] {
  const result: (ByteString | FilePart)[] = [];
  for (const part of parts) {
    const last = result.at(-1);
    if (!(part instanceof Uint8Array)) result.push(part);
    else if (typeof last === "string") result[result.length - 1] = last + byteStringOf(part);
    else result.push(byteStringOf(part));
  }
  return result;
}

function expected(specs: readonly Spec[]): (ByteString | FilePart)[] {
  return joined(
    specs.filter((spec) => spec !== "").map((spec) => {
      if (typeof spec === "string") return bytesOf(spec);
      const { entryIndex, sizeBytes, sparse } = fileNode(spec);
      return { entryIndex, path: spec.path, sizeBytes, extents: sparse! };
    }),
  );
}

Deno.test("a tar-split returns what was written, in chunks of any size", async () => {
  const spec = fc.oneof(
    fc.uint8Array({ maxLength: 700 }).map((bytes) => byteStringOf(bytes)),
    fc.record({ path: fc.constantFrom("f", "a/\xff\n", "a/b/c"), index: fc.nat(2 ** 32 - 1), extents: fc.nat(5) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(spec, { maxLength: 30 }), fc.integer({ min: 1, max: 400 }), async (specs, chunkBytes) => {
      assert.deepEqual(await roundTrip(specs, chunkBytes), expected(specs));
    }),
    { numRuns: 60 },
  );
});

Deno.test("a tar-split accepts raw parts and sparse maps that are longer than its buffer", async () => {
  const specs: Spec[] = [
    "x".repeat(262_139),
    "y".repeat(600_000),
    { path: "sparse", index: 7, extents: 40_000 },
    "end",
  ];
  assert.deepEqual(await roundTrip(specs, 65_536), expected(specs));
});

Deno.test("a damaged tar-split is rejected", async () => {
  for (const bytes of ["Z", "R\x05\0\0\0abc", "F\0\0"]) {
    await assert.rejects(Array.fromAsync(tarSplitParts(ReadableStream.from([bytesOf(bytes)]))), { code: "storage" });
  }
});
