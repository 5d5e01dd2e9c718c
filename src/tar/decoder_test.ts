import { strict as assert } from "node:assert";
import fc from "fast-check";
import { isTsdError } from "../errors.ts";
import { bytesOf } from "./byte_string.ts";
import { END_OF_TAR } from "./encoder.ts";
import type { TarEntry } from "./entry.ts";
import { formatRecord } from "./pax.ts";
import { concat, decodeAll, octal, padded, rawBlock, rawExtension, rawFile } from "./tar_testing.ts";

const only = (archive: Uint8Array): TarEntry & { data: string } => {
  const { entries } = decodeAll(archive);
  assert.equal(entries.length, 1);
  return { ...entries[0]!.entry, data: entries[0]!.data };
};

const pax = (records: Record<string, string>) =>
  rawExtension("x", Object.entries(records).map(([key, value]) => formatRecord(key, value)).join(""));

/** Archives that must be accepted, with the expected fields of their one entry. */
const ACCEPTED: Record<string, { archive: Uint8Array; is: Partial<TarEntry> & { data?: string } }> = {
  "ustar prefix": { archive: rawBlock({ prefix: "a/b" }), is: { path: "a/b/name", type: "file" } },
  "star has times where ustar has the end of the prefix": {
    archive: rawBlock({ prefix: "a/b", patch: { 476: "00000000001\x0000000000001\0", 508: "tar\0" } }),
    is: { path: "a/b/name" },
  },
  "GNU magic has no prefix": {
    archive: rawBlock({ magic: "ustar  \0", prefix: "15030206360\x00" }),
    is: { path: "name" },
  },
  "V7 without a magic": { archive: rawBlock({ magic: "", flag: "\0" }), is: { path: "name", type: "file" } },
  "V7 directory is a name with a slash": {
    archive: rawBlock({ magic: "", flag: "\0", name: "d/" }),
    is: { path: "d/", type: "directory" },
  },
  "contiguous file of type 7": { archive: rawFile("f", "abc", { flag: "7" }), is: { type: "file", data: "abc" } },
  "name of exactly 100 bytes without NUL": {
    archive: rawBlock({ name: "n".repeat(100) }),
    is: { path: "n".repeat(100) },
  },
  "GNU long name": {
    archive: concat(rawExtension("L", "l".repeat(300) + "\0"), rawBlock({ magic: "ustar  \0" })),
    is: { path: "l".repeat(300) },
  },
  "GNU long link": {
    archive: concat(rawExtension("K", "t".repeat(300) + "\0"), rawBlock({ flag: "2" })),
    is: { type: "symlink", linkPath: "t".repeat(300) },
  },
  "pax wins over the block": {
    archive: concat(pax({ path: "p", uid: "4294967294", gid: "70000", mtime: "12.0345678919" }), rawBlock()),
    is: { path: "p", uid: 4294967294, gid: 70000, mtimeSeconds: 12, mtimeNanos: 34567891 },
  },
  "pax time before 1970": {
    archive: concat(pax({ mtime: "-1.25" }), rawBlock()),
    is: { mtimeSeconds: -2, mtimeNanos: 750_000_000 },
  },
  "empty pax value keeps the block's value": {
    archive: concat(pax({ path: "" }), rawBlock()),
    is: { path: "name" },
  },
  "pax size beyond the block's": {
    archive: concat(pax({ size: "3" }), rawBlock(), padded("abc")),
    is: { sizeBytes: 3, data: "abc" },
  },
  "repeated pax record": {
    archive: concat(rawExtension("x", formatRecord("path", "a") + formatRecord("path", "b")), rawBlock()),
    is: { path: "b" },
  },
  "global pax header": {
    archive: concat(rawExtension("g", formatRecord("uid", "7") + formatRecord("comment", "c")), rawBlock()),
    is: { uid: 7 },
  },
  "name with a newline": { archive: rawBlock({ name: "a\nb" }), is: { path: "a\nb" } },
  "name that is not UTF-8": { archive: rawBlock({ name: "\xff\xfe" }), is: { path: "\xff\xfe" } },
  "base-256 uid and size": {
    archive: rawFile("f", "abc", { uid: "\x80\0\0\0\0\x20\0\0", size: "\x80\0\0\0\0\0\0\0\0\0\0\x03" }),
    is: { uid: 0x200000, sizeBytes: 3, data: "abc" },
  },
  "base-256 time before 1970": { archive: rawBlock({ mtime: "\xff".repeat(11) + "\xfe" }), is: { mtimeSeconds: -2 } },
  "numbers with leading and trailing blanks": { archive: rawBlock({ uid: "  17 \0\0\0" }), is: { uid: 0o17 } },
  "mode with the file's type in it": { archive: rawBlock({ mode: "0104755\0" }), is: { mode: 0o4755 } },
  "hard link with a size has no data": {
    archive: rawBlock({ flag: "1", linkName: "t", size: octal(1000) }),
    is: { type: "link", linkPath: "t", sizeBytes: 0 },
  },
  "directory with a size has no data": {
    archive: rawBlock({ flag: "5", name: "d/", size: octal(4096) }),
    is: { type: "directory", storedBytes: 0 },
  },
  "device with large numbers": {
    archive: rawBlock({ flag: "3", devMajor: "0007777\0", devMinor: "3777777\0" }),
    is: { type: "character", deviceMajor: 0xfff, deviceMinor: 0xfffff },
  },
  "checksum of signed chars": {
    archive: rawBlock({ name: "\xff", checksum: signedSum("\xff") }),
    is: { path: "\xff" },
  },
};

function signedSum(name: string): string {
  const block = rawBlock({ name });
  block.fill(0x20, 148, 156);
  const sum = new Int8Array(block.buffer).reduce((total, byte) => total + byte, 0);
  return `${sum.toString(8).padStart(6, "0")}\0 `;
}

for (const [quirk, { archive, is }] of Object.entries(ACCEPTED)) {
  Deno.test(`TarDecoder reads: ${quirk}`, () => {
    const entry = only(concat(archive, END_OF_TAR));
    for (const [key, value] of Object.entries(is)) assert.deepEqual(entry[key as keyof typeof entry], value, key);
  });
}

/** Archives that must be rejected. */
const REJECTED: Record<string, Uint8Array> = {
  "wrong checksum": rawBlock({ checksum: "0000001\0" }),
  "negative base-256 size": rawBlock({ size: "\xff".repeat(12) }),
  "base-256 size of 2^63 - 1": rawBlock({ size: "\x80\0\0\0\x7f" + "\xff".repeat(7) }),
  "sparse file of negative size": rawBlock({
    flag: "S",
    magic: "ustar  \0",
    patch: { 483: "\xff".repeat(11) + "\x00" },
  }),
  "size that is not a number": rawBlock({ size: "12x45678901\0" }),
  "negative uid": rawBlock({ uid: "\xff".repeat(8) }),
  "uid that means unchanged to chown": concat(pax({ uid: "4294967295" }), rawBlock()),
  "pax size that is not a number": concat(pax({ size: "0x10" }), rawBlock()),
  "pax size beyond 2^53": concat(pax({ size: "9007199254740993" }), rawBlock()),
  "pax time that is not a number": concat(pax({ mtime: "1e5" }), rawBlock()),
  "pax record with a wrong length": concat(rawExtension("x", "99 path=a\n"), rawBlock()),
  "pax record without an equals sign": concat(rawExtension("x", "8 patha\n"), rawBlock()),
  "pax record without a newline": concat(rawExtension("x", "9 path=ab"), rawBlock()),
  "pax record of length 0": concat(rawExtension("x", "0 path=a\n"), rawBlock()),
  "pax record with an empty key": concat(rawExtension("x", "5 =a\n"), rawBlock()),
  "pax header of 8 MiB": rawExtension("x", "x".repeat(8 << 20)),
  "GNU long name of 5,000 bytes": concat(rawExtension("L", "l".repeat(5000)), rawBlock()),
  "pax name of 5,000 bytes": concat(pax({ path: "l".repeat(5000) }), rawBlock()),
  "NUL in a pax name": concat(pax({ path: "a\0b" }), rawBlock()),
  "NUL in a pax link": concat(pax({ linkpath: "a\0b" }), rawBlock({ flag: "2" })),
  "NUL in a GNU long name": concat(rawExtension("L", "a\0b\0"), rawBlock()),
  "NUL in a pax key": concat(pax({ "SCHILY.xattr.a\0b": "1" }), rawBlock()),
  "global header that names a file": concat(rawExtension("g", formatRecord("path", "a")), rawBlock()),
  "extended header without an entry": concat(pax({ path: "a" }), END_OF_TAR),
  "entry after a block of zeros": concat(new Uint8Array(512), rawBlock()),
  "multi-volume part": rawBlock({ flag: "M", magic: "ustar  \0" }),
  "device number beyond Linux's range": rawBlock({ flag: "3", devMajor: "7777777\0" }),
  "truncated in a header": rawBlock().subarray(0, 300),
  "truncated in an extended header": rawExtension("x", formatRecord("path", "a")).subarray(0, 600),
  "truncated in data": rawFile("f", "abc".repeat(400)).subarray(0, 700),
  "truncated in padding": rawFile("f", "abc").subarray(0, 600),
  "truncated after an extended header": pax({ path: "a" }),
  "not a tar": bytesOf("hello world".repeat(100)),
};

for (const [quirk, archive] of Object.entries(REJECTED)) {
  Deno.test(`TarDecoder rejects: ${quirk}`, () => {
    assert.throws(() => decodeAll(archive), (thrown) => isTsdError(thrown, "layer_invalid"));
    assert.throws(() => decodeAll(archive, [1, 511, 3]), (thrown) => isTsdError(thrown, "layer_invalid"));
  });
}

Deno.test("TarDecoder accepts an archive without zero blocks at its end, and ignores data after them", () => {
  assert.equal(decodeAll(new Uint8Array(0)).entries.length, 0);
  assert.equal(decodeAll(rawFile("f", "x".repeat(512))).entries.length, 1);
  assert.equal(decodeAll(concat(rawBlock(), new Uint8Array(512))).entries.length, 1);
  const trailing = decodeAll(concat(rawBlock(), END_OF_TAR, bytesOf("garbage")));
  assert.equal(trailing.entries.length, 1);
  assert.ok(trailing.skeleton.endsWith("garbage"));
});

Deno.test("TarDecoder returns binary extended attributes and applies global ones", () => {
  const entry = only(concat(
    rawExtension("g", formatRecord("SCHILY.xattr.user.all", "1")),
    pax({ "SCHILY.xattr.security.capability": "\x01\0\0\x02\n=\xff", "SCHILY.xattr.user.empty": "" }),
    rawBlock(),
  ));
  assert.deepEqual([...entry.xattrs], [
    ["user.all", bytesOf("1")],
    ["security.capability", bytesOf("\x01\0\0\x02\n=\xff")],
    ["user.empty", new Uint8Array(0)],
  ]);
});

Deno.test("TarDecoder returns each entry's offset in the archive", () => {
  const archive = concat(rawFile("a", "abc"), pax({ path: "long" }), rawFile("b", "d".repeat(513)), END_OF_TAR);
  const { entries, skeleton } = decodeAll(archive);
  assert.deepEqual(entries.map(({ entry }) => [entry.index, entry.dataOffset, entry.storedBytes]), [
    [0, 512, 3],
    [1, 2560, 513],
  ]);
  assert.equal(skeleton.length, archive.length - 516);
});

Deno.test("TarDecoder: the portioning of the input makes no difference", () => {
  const archive = concat(
    ...Object.values(ACCEPTED).map(({ archive }) => archive),
    rawFile("big", "0123456789".repeat(300)),
    END_OF_TAR,
  );
  const expected = decodeAll(archive);
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 3000 }), { minLength: 1, maxLength: 40 }), (portions) => {
      assert.deepEqual(decodeAll(archive, portions), expected);
    }),
    { numRuns: 60 },
  );
});

Deno.test("TarDecoder: garbage is accepted or rejected as layer_invalid, never any other error", () => {
  const valid = concat(
    pax({ path: "p", mtime: "1.5" }),
    rawFile("f", "abc"),
    rawBlock({ flag: "S", magic: "ustar  \0" }),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(valid.length - 1), fc.nat(255)), { maxLength: 4 }), (changes) => {
      const archive = valid.slice();
      for (const [at, byte] of changes) archive[at] = byte;
      try {
        decodeAll(archive);
      } catch (thrown) {
        assert.ok(isTsdError(thrown, "layer_invalid"), String(thrown));
      }
    }),
    { numRuns: 300 },
  );
});
