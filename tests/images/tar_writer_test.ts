import { strict as assert } from "node:assert";
import { latin1 } from "../harness/xattrs.ts";
import { bytesOf, concat } from "./bytes.ts";
import { base256, encodeHeader } from "./tar_header.ts";
import {
  charDevice,
  dir,
  fifo,
  file,
  hardLink,
  opaque,
  rawBytes,
  symlink,
  type TarEntry,
  whiteout,
} from "./tar_entries.ts";
import { gnuLongName, paxMember, tarBytes } from "./tar_writer.ts";

/** Runs GNU tar on the archive, and returns its output. */
async function gnuTar(entries: TarEntry[], ...options: string[]): Promise<string> {
  const child = new Deno.Command("tar", {
    args: ["--list", "--verbose", "--numeric-owner", "--utc", "--quoting-style=escape", ...options],
    env: { LC_ALL: "C" },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  await ReadableStream.from([tarBytes(entries)]).pipeTo(child.stdin);
  const done = await child.output();
  assert.equal(latin1(done.stderr), "");
  return latin1(done.stdout);
}

Deno.test("GNU tar lists every kind of entry correctly", async () => {
  const listing = await gnuTar([
    dir("d", { mode: 0o1777, mtime: 0 }),
    file("d/f", "hello", { mode: 0o4755, uid: 1000, gid: 100 }),
    symlink("d/s", "f"),
    hardLink("d/h", "d/f"),
    charDevice("d/c", 1, 3, { mode: 0o666 }),
    fifo("d/p"),
    whiteout("d/gone"),
    opaque("d"),
    file("big-id", "", { uid: 3_000_000, gid: 4_000_000_000 }),
  ]);
  assert.deepEqual(listing.trimEnd().split("\n").map((line) => line.replace(/ +/g, " ")), [
    "drwxrwxrwt 0/0 0 1970-01-01 00:00 d/",
    "-rwsr-xr-x 1000/100 5 2023-11-14 22:13 d/f",
    "lrwxrwxrwx 0/0 0 2023-11-14 22:13 d/s -> f",
    "hrw-r--r-- 0/0 0 2023-11-14 22:13 d/h link to d/f",
    "crw-rw-rw- 0/0 1,3 2023-11-14 22:13 d/c",
    "prw------- 0/0 0 2023-11-14 22:13 d/p",
    "---------- 0/0 0 2023-11-14 22:13 d/.wh.gone",
    "---------- 0/0 0 2023-11-14 22:13 d/.wh..wh..opq",
    "-rw-r--r-- 3000000/4000000000 0 2023-11-14 22:13 big-id",
  ]);
});

Deno.test("long names survive in every format", async () => {
  const long = `folder/${"x".repeat(60)}/${"y".repeat(60)}`;
  for (const longNames of ["auto", "pax", "gnu", "ustar"] as const) {
    const listing = await gnuTar([file(long, "1", { longNames }), file("after", "2")]);
    assert.deepEqual(listing.match(/\S+$/gm), [long, "after"], longNames);
    const links = await gnuTar([symlink("s", longNames === "ustar" ? "t" : long, { longNames })]);
    assert.match(links, longNames === "ustar" ? /s -> t\n$/ : /s -> folder\/x{60}\/y{60}\n$/);
  }
});

Deno.test("pax records include their length, also where its number of digits changes", () => {
  for (let length = 0; length < 1200; length++) {
    const body = latin1(paxMember({ key: "v".repeat(length) })).slice(512).replace(/\0+$/, "");
    assert.equal(Number(body.split(" ")[0]), body.length);
  }
});

Deno.test("header fields can be given as raw bytes", () => {
  const header = encodeHeader({ name: "n", type: "0", size: base256(-1n, 12) });
  assert.deepEqual([...header.subarray(124, 136)], Array(12).fill(0xff));
  assert.deepEqual([...base256(0x123456789n, 12).subarray(7)], [0x01, 0x23, 0x45, 0x67, 0x89]);
  assert.equal(latin1(encodeHeader({ name: "n", type: "0", checksum: 1 }).subarray(148, 156)), "000001\0 ");
});

Deno.test("a data source with the wrong size is an error of the test", () => {
  assert.throws(() => tarBytes([file("f", { sizeBytes: 2, chunks: () => [new Uint8Array(1)] })]), /header says 2/);
});

Deno.test("raw members are copied unchanged", () => {
  const member = concat([gnuLongName(bytesOf("name"), "L"), encodeHeader({ name: "short", type: "0" })]);
  assert.deepEqual(tarBytes([rawBytes(member)], { incomplete: true }), member);
});
