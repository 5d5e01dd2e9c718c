/** Files and directories that exceed 32 bits, or most implementations' limits. Takes minutes, and 5 GB of disk. */
import { strict as assert } from "node:assert";
import "../../src/sys/preopen_testing.ts";
import { createSha256 } from "../../src/hash/mod.ts";
import { type Digest, digestOfHex } from "../../src/image/digest.ts";
import { removeDir } from "../../src/store/directory_driver/clearing.ts";
import { type OpenLayers, openLayerStore, STORAGE_DRIVERS } from "../../src/store/drivers.ts";
import { bytesOf, END_OF_TAR, paddingOf } from "../../src/tar/mod.ts";
import { formatRecord } from "../../src/tar/pax.ts";
import { octal, rawBlock, rawExtension, rawFile } from "../../src/tar/tar_testing.ts";
import { btrfsVolume, storageNeeds, type TestDir } from "../harness/mod.ts";
import { requires } from "../requires.ts";
import { print, Times } from "./figures.ts";

type Driver = typeof STORAGE_DRIVERS[number];
/** A tar, generated on each call. */
type Tar = () => Iterable<Uint8Array>;

const SIZE = 2 ** 32 + 123_456_789;
const CHUNK_BYTES = 1 << 20;
const ENTRIES = 100_000;
/** Texts and their offsets in the file; the rest is zeros. */
const MARKS: readonly (readonly [at: number, text: string])[] = [
  [0, "at the very beginning"],
  [Math.floor(SIZE / 2), "in the middle"],
  [2 ** 31 - 5, "across 2 GiB"],
  [2 ** 32 - 5, "across 4 GiB"],
  [SIZE - 10, "at the end"],
].map(([at, text]) => [at as number, text as string]);

/** Yields zeros with the marks in them. */
function* content(): Iterable<Uint8Array> {
  for (let at = 0; at < SIZE; at += CHUNK_BYTES) {
    const chunk = new Uint8Array(Math.min(CHUNK_BYTES, SIZE - at));
    for (const [place, text] of MARKS) {
      for (const [n, byte] of bytesOf(text).entries()) {
        const inChunk = place + n - at;
        if (inChunk >= 0 && inChunk < chunk.length) chunk[inChunk] = byte;
      }
    }
    yield chunk;
  }
}

function hugeTar(header: Uint8Array[]): Tar {
  return function* () {
    yield* header;
    yield* content();
    yield new Uint8Array(paddingOf(SIZE));
    yield rawFile("after", "behind it");
    yield END_OF_TAR;
  };
}

const base256 = "\x80\0\0\0" +
  Array.from({ length: 8 }, (_, n) => String.fromCharCode(Number(BigInt(SIZE) >> BigInt(8 * (7 - n)) & 0xffn))).join(
    "",
  );

const HUGE: Readonly<Record<string, Tar>> = {
  "a size in base 256": hugeTar([rawBlock({ name: "huge", size: base256 })]),
  "a size in a pax header": hugeTar([
    rawExtension("x", formatRecord("size", String(SIZE))),
    rawBlock({ name: "huge", size: octal(0) }),
  ]),
};

async function* asSource(tar: Tar): AsyncGenerator<Uint8Array> {
  yield* tar();
}

async function digestOf(tar: Tar): Promise<Digest> {
  const hasher = await createSha256("native");
  for (const chunk of tar()) hasher.update(chunk);
  return digestOfHex(hasher.digestHex());
}

async function withLayer(
  driver: Driver,
  tar: Tar,
  use: (directory: string, store: OpenLayers, diffId: Digest) => Promise<void>,
): Promise<void> {
  await using place = await placeFor(driver);
  const store = openLayerStore({ driver, root: place.path });
  try {
    const diffId = await digestOf(tar);
    const [ingest, verify] = [new Times(), new Times()];
    await ingest.measure(() =>
      store.ingest(ReadableStream.from(asSource(tar)) as ReadableStream<Uint8Array>, { diffId })
    );
    using directory = await store.openLowerDir(diffId);
    await use(directory.path, store, diffId);
    // With erofs this rebuilds the index and compares it.
    await verify.measure(() => store.verify(diffId));
    print(driver, `ingest ${ingest}`, `verify ${verify}`);
  } finally {
    store[Symbol.dispose]?.();
  }
}

async function placeFor(driver: Driver): Promise<TestDir> {
  const dir = "/var/tmp";
  if (driver === "btrfs") return await btrfsVolume({ dir, sizeBytes: 4 * SIZE });
  const path = await Deno.makeTempDir({ prefix: "tsd-huge-", dir });
  return { path, [Symbol.asyncDispose]: () => removeDir(path) };
}

async function readAt(file: Deno.FsFile, at: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  await file.seek(at, Deno.SeekMode.Start);
  let read = 0;
  while (read < length) {
    const count = await file.read(bytes.subarray(read));
    if (count === null) break;
    read += count;
  }
  return bytes.subarray(0, read);
}

async function assertMarks(path: string): Promise<void> {
  using file = await Deno.open(path);
  assert.equal((await file.stat()).size, SIZE);
  for (const [at, text] of MARKS) {
    const expected = text.slice(0, SIZE - at);
    const around = await readAt(file, Math.max(0, at - 3), expected.length + 3 + Math.min(3, at));
    const padded = bytesOf("\0".repeat(Math.min(3, at)) + expected + "\0\0\0");
    assert.deepEqual(around, padded.subarray(0, around.length), `${text} at ${at}`);
  }
}

for (const driver of STORAGE_DRIVERS) {
  const needs = requires("root", ...storageNeeds(driver));
  for (const [name, tar] of Object.entries(HUGE)) {
    Deno.test(
      `${driver}: a file over 4 GiB, ${name}`,
      needs,
      () =>
        withLayer(driver, tar, async (directory) => {
          await assertMarks(`${directory}/huge`);
          assert.equal(await Deno.readTextFile(`${directory}/after`), "behind it");
        }),
    );
  }

  Deno.test(`${driver}: a sparse file over 4 GiB`, needs, () => {
    const marks = [[0, "begin"], [Math.floor(SIZE / 2) - 3, "middle"], [2 ** 32 + 512, "beyond"]] as const;
    const map = [...marks.map(([at, text]) => `${at},${text.length}`), `${SIZE},0`].join(",");
    const data = marks.map(([, text]) => text).join("");
    const tar: Tar = function* () {
      yield rawExtension(
        "x",
        formatRecord("GNU.sparse.map", map) + formatRecord("GNU.sparse.size", String(SIZE)),
      );
      yield rawFile("sparse", data);
      yield END_OF_TAR;
    };
    return withLayer(driver, tar, async (directory) => {
      using file = await Deno.open(`${directory}/sparse`);
      assert.equal((await file.stat()).size, SIZE);
      for (const [at, text] of marks) assert.deepEqual(await readAt(file, at, text.length + 2), bytesOf(`${text}\0\0`));
      assert.deepEqual(await readAt(file, SIZE - 2, 10), bytesOf("\0\0"));
    });
  });

  Deno.test(`${driver}: a directory of ${ENTRIES} entries`, needs, () => {
    const tar: Tar = function* () {
      for (let n = 0; n < ENTRIES; n++) yield rawFile(`d/file-${n}`, `${n}`);
      yield END_OF_TAR;
    };
    return withLayer(driver, tar, async (directory, store, diffId) => {
      assert.equal([...Deno.readDirSync(`${directory}/d`)].length, ENTRIES);
      for (const n of [0, 1, 9, 10, 77_777, ENTRIES - 1]) {
        assert.equal(await Deno.readTextFile(`${directory}/d/file-${n}`), `${n}`);
      }
      await assert.rejects(Deno.stat(`${directory}/d/file-${ENTRIES}`), Deno.errors.NotFound);
      assert.equal((await store.info(diffId))!.entries, ENTRIES);
    });
  });
}
