/** For random entries, the files on disk match the layer tree, and the tar is reproduced exactly. */
import { strict as assert } from "node:assert";
import fc from "fast-check";
import { btrfsVolume } from "../../../tests/harness/mod.ts";
import { requires } from "../../../tests/requires.ts";
import { isTsdError } from "../../errors.ts";
import { sha256Hex } from "../../hash/mod.ts";
import { type Digest, digestOfHex } from "../../image/digest.ts";
import { collectBytes, streamOf } from "../../io/mod.ts";
import { bytesOf, END_OF_TAR, TarDecoder, type TarEntryType, tarHeader, tarStream } from "../../tar/mod.ts";
import { concat } from "../../tar/tar_testing.ts";
import { type DirectoryNode, type LayerNode, LayerTree } from "../layer_tree.ts";
import type { LayerStore } from "../driver.ts";
import { openLayerStore, STORAGE_DRIVERS } from "../drivers.ts";
import { temporaryDir } from "./test_dir.ts";

const name = fc.constantFrom("a", "b", "c", "d", ".wh.a", ".wh.b", ".wh..wh..opq");
const path = fc.array(name, { minLength: 1, maxLength: 4 }).map((names) => names.join("/"));
const entry = fc.record({
  type: fc.constantFrom<TarEntryType>("file", "file", "directory", "symlink", "link", "character", "fifo"),
  path,
  linkPath: path,
  content: fc.string({ maxLength: 20, unit: "binary-ascii" }),
});
type Entry = { type: TarEntryType; path: string; linkPath: string; content: string };

/** Builds a tar of those entries that are valid after the ones before them. */
async function tarOf(entries: readonly Entry[]): Promise<Uint8Array<ArrayBuffer>> {
  let accepted: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  for (const { type, path, linkPath, content } of entries) {
    const sizeBytes = type === "file" ? content.length : 0;
    const header = tarHeader({ type, path, linkPath, sizeBytes, deviceMajor: type === "character" ? 1 : 0 });
    const whole = await collectBytes(tarStream([{ header, body: bytesOf(content.slice(0, sizeBytes)) }]), {
      maxBytes: 1 << 20,
      what: "a tar",
    });
    const candidate = concat(accepted, whole.subarray(0, whole.length - END_OF_TAR.length));
    if (treeOf(candidate) !== undefined) accepted = candidate;
  }
  return concat(accepted, END_OF_TAR);
}

function treeOf(tar: Uint8Array): LayerTree | undefined {
  const tree = new LayerTree();
  const decoder = new TarDecoder();
  decoder.feed(tar);
  try {
    for (let item = decoder.next(); item !== undefined; item = decoder.next()) {
      if (!(item instanceof Uint8Array)) tree.add(item);
    }
  } catch (thrown) {
    if (isTsdError(thrown, "layer_invalid")) return undefined;
    throw thrown;
  }
  return tree;
}

function treeLines(dir: DirectoryNode, prefix = ""): string[] {
  return [...dir.children].flatMap(([name, node]) => {
    const line = `${prefix}${name} ${kindOf(node)}`;
    return node.kind === "directory" ? [line, ...treeLines(node, `${prefix}${name}/`)] : [line];
  }).sort();
}

function kindOf(node: LayerNode): string {
  if (node.kind === "file") return `file of ${node.sizeBytes}`;
  if (node.kind === "symlink") return `symlink to ${node.target}`;
  return node.kind === "whiteout" ? "character" : node.kind;
}

async function diskLines(dir: string, prefix = ""): Promise<string[]> {
  const lines: string[] = [];
  for (const { name } of Deno.readDirSync(dir)) {
    const info = await Deno.lstat(`${dir}/${name}`);
    const kind = info.isDirectory ? "directory" : info.isCharDevice ? "character" : info.isFifo ? "fifo" : "";
    if (info.isFile) lines.push(`${prefix}${name} file of ${info.size}`);
    else if (info.isSymlink) lines.push(`${prefix}${name} symlink to ${await Deno.readLink(`${dir}/${name}`)}`);
    else lines.push(`${prefix}${name} ${kind}`);
    if (info.isDirectory) lines.push(...await diskLines(`${dir}/${name}`, `${prefix}${name}/`));
  }
  return lines.sort();
}

async function ingested(store: LayerStore, tar: Uint8Array<ArrayBuffer>): Promise<Digest> {
  const diffId = digestOfHex(await sha256Hex(tar, "native"));
  await store.ingest(streamOf(tar), { diffId });
  return diffId;
}

for (const driver of STORAGE_DRIVERS) {
  const needs = driver === "btrfs" ? requires("root", "btrfs") : requires("root");
  const test = (name: string, use: (store: LayerStore) => Promise<void>) => {
    Deno.test(`${driver}: ${name}`, needs, async () => {
      await using testDir = await (driver === "btrfs" ? btrfsVolume() : temporaryDir());
      const store = openLayerStore({ driver, root: testDir.path });
      try {
        await use(store);
      } finally {
        store[Symbol.dispose]?.();
      }
    });
  };
  test("random layers", randomLayers);
  test("more directories than descriptors, in any order, each before its parents", manyDirs);
}

async function randomLayers(store: LayerStore): Promise<void> {
  await fc.assert(
    fc.asyncProperty(fc.array(entry, { maxLength: 40 }), async (entries) => {
      const tar = await tarOf(entries);
      const diffId = await ingested(store, tar);
      assert.deepEqual(await diskLines((await store.openLowerDir(diffId)).path), treeLines(treeOf(tar)!.root));
      await store.verify(diffId);
    }),
    { numRuns: 60 },
  );
}

async function manyDirs(store: LayerStore): Promise<void> {
  const paths = Array.from({ length: 600 }, (_, i) => `${i % 17}/${i % 31}/${i}`);
  const shuffled = paths.map((path, i) => ({ path, key: (i * 7919) % 600 })).sort((a, b) => a.key - b.key);
  const files = shuffled.map(({ path }) => ({
    header: tarHeader({ type: "file", path: `${path}/f`, sizeBytes: path.length }),
    body: bytesOf(path),
  }));
  const whole = await collectBytes(tarStream(files), { maxBytes: 1 << 22, what: "a tar" });
  const diffId = await ingested(store, whole);
  const { path: dir } = await store.openLowerDir(diffId);
  for (const path of paths) assert.equal(await Deno.readTextFile(`${dir}/${path}/f`), path);
  await store.verify(diffId);
}
