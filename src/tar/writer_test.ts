import { strict as assert } from "node:assert";
import fc from "fast-check";
import { bytesOf, byteStringOf } from "./byte_string.ts";
import { encodeHeader, formatTime, tarHeader } from "./encoder.ts";
import type { TarEntryType, TarHeader } from "./entry.ts";
import { parseTime } from "./numbers.ts";
import { readTar } from "./reader.ts";
import { concat, decodeAll } from "./tar_testing.ts";
import { type TarSource, tarStream } from "./writer.ts";

async function collected(stream: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  return concat(...await Array.fromAsync(stream));
}

const byteName = (max: number) =>
  fc.array(fc.integer({ min: 1, max: 255 }), { minLength: 1, maxLength: max }).map((codes) =>
    String.fromCharCode(...codes)
  );

const header: fc.Arbitrary<TarHeader> = fc.record({
  type: fc.constantFrom<TarEntryType>("file", "directory", "symlink", "link", "character", "block", "fifo"),
  path: byteName(300),
  linkPath: byteName(300),
  mode: fc.nat(0o7777),
  uid: fc.nat(0xffff_fffe),
  gid: fc.nat(0xffff_fffe),
  mtimeSeconds: fc.integer({ min: -(2 ** 40), max: 2 ** 40 }),
  mtimeNanos: fc.nat(999_999_999),
  sizeBytes: fc.nat(2000),
  deviceMajor: fc.nat(0xfff),
  deviceMinor: fc.nat(0xfffff),
  xattrs: fc.uniqueArray(fc.tuple(fc.constantFrom("user.a", "security.capability"), fc.uint8Array({ maxLength: 40 })), {
    selector: ([key]) => key,
  }).map((pairs) => new Map(pairs.map(([key, value]) => [key, new Uint8Array(value)]))),
}).map((fields) => ({
  ...fields,
  linkPath: fields.type === "link" || fields.type === "symlink" ? fields.linkPath : "",
  sizeBytes: fields.type === "file" ? fields.sizeBytes : 0,
  deviceMajor: fields.type === "character" || fields.type === "block" ? fields.deviceMajor : 0,
  deviceMinor: fields.type === "character" || fields.type === "block" ? fields.deviceMinor : 0,
}));

Deno.test("the decoder reads what tarStream writes", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(header, { maxLength: 8 }), async (headers) => {
      const sources: TarSource[] = headers.map((header, i) => ({
        header,
        body: new Uint8Array(header.sizeBytes).fill(i),
      }));
      const { entries } = decodeAll(await collected(tarStream(sources)), [613]);
      assert.deepEqual(
        entries.map(({ entry: { index: _index, dataOffset: _offset, storedBytes: _stored, sparse: _map, ...rest } }) =>
          rest
        ),
        headers,
      );
      assert.deepEqual(entries.map(({ data }) => data), sources.map(({ body }) => byteStringOf(body as Uint8Array)));
    }),
    { numRuns: 100 },
  );
});

Deno.test("GNU tar lists what tarStream writes", async () => {
  const long = `${"d".repeat(90)}/${"e".repeat(90)}/${"f".repeat(120)}`;
  const archive = await collected(tarStream([
    { header: tarHeader({ type: "directory", path: "dir/", mode: 0o1777 }) },
    {
      header: tarHeader({ type: "file", path: long, sizeBytes: 3, uid: 3_000_000, mtimeSeconds: 1, mtimeNanos: 5 }),
      body: bytesOf("abc"),
    },
    { header: tarHeader({ type: "symlink", path: "s", linkPath: "t".repeat(150) }) },
    { header: tarHeader({ type: "character", path: "null", deviceMajor: 1, deviceMinor: 3 }) },
  ]));
  const tar = new Deno.Command("tar", {
    args: ["-tvf", "-", "--numeric-owner", "--full-time", "--utc"],
    stdin: "piped",
    stdout: "piped",
  })
    .spawn();
  const writer = tar.stdin.getWriter();
  await writer.write(archive);
  await writer.close();
  const { success, stdout } = await tar.output();
  assert.ok(success);
  const lines = new TextDecoder().decode(stdout).trim().split("\n").map((line) => line.replace(/ +/g, " "));
  assert.deepEqual(lines, [
    "drwxrwxrwt 0/0 0 1970-01-01 00:00:00 dir/",
    `-rw-r--r-- 3000000/0 3 1970-01-01 00:00:01.000000005 ${long}`,
    `lrw-r--r-- 0/0 0 1970-01-01 00:00:00 s -> ${"t".repeat(150)}`,
    "crw-r--r-- 0/0 1,3 1970-01-01 00:00:00 null",
  ]);
});

Deno.test("a plain entry takes one header block, also with a long name that ustar can split", () => {
  assert.equal(encodeHeader(tarHeader({ type: "file", path: "a" })).length, 512);
  assert.equal(encodeHeader(tarHeader({ type: "file", path: `${"d".repeat(150)}/${"f".repeat(100)}` })).length, 512);
  assert.equal(encodeHeader(tarHeader({ type: "file", path: `${"d".repeat(150)}/${"f".repeat(101)}` })).length, 1536);
});

Deno.test("a body whose size differs from its header ends the stream with an error", async () => {
  for (const body of [bytesOf("ab"), bytesOf("abcd")]) {
    const stream = tarStream([{ header: tarHeader({ type: "file", path: "f", sizeBytes: 3 }), body }]);
    await assert.rejects(collected(stream), { code: "size_mismatch" });
  }
});

Deno.test("parseTime parses what formatTime formats", () => {
  fc.assert(fc.property(fc.integer({ min: -1e12, max: 1e12 }), fc.nat(999_999_999), (seconds, nanos) => {
    assert.deepEqual(parseTime(formatTime(seconds, nanos), "mtime"), { seconds, nanos });
  }));
});

Deno.test("readTar yields members whose data is read or skipped", async () => {
  const file = (path: string, body: string): TarSource => ({
    header: tarHeader({ type: "file", path, sizeBytes: body.length }),
    body: bytesOf(body),
  });
  const received: string[] = [];
  for await (const { entry, chunks } of readTar(tarStream([file("a", "one"), file("b", "two"), file("c", "three")]))) {
    if (entry.path === "b") continue;
    for await (const chunk of chunks) received.push(`${entry.path}:${byteStringOf(chunk)}`);
  }
  assert.deepEqual(received, ["a:one", "c:three"]);
});

Deno.test("readTar cancels its source when the loop is left early, and passes on the source's error", async () => {
  let cancelled = false;
  const endless = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(encodeHeader(tarHeader({ type: "file", path: "f" }))),
    cancel: () => void (cancelled = true),
  });
  for await (const _member of readTar(endless)) break;
  assert.ok(cancelled);
  const broken = new ReadableStream<Uint8Array>({ pull: (controller) => controller.error(new Error("cable cut")) });
  await assert.rejects(Array.fromAsync(readTar(broken)), /cable cut/);
});
