/** Chains of layers in subvolumes: how they are shared, rebuilt and removed, and that they share their data. */
import { strict as assert } from "node:assert";
import { btrfsVolume } from "../../../tests/harness/mod.ts";
import { requires } from "../../../tests/requires.ts";
import { sha256Hex } from "../../hash/mod.ts";
import { chainIds } from "../../image/chain_id.ts";
import { type Digest, digestOfHex, hexOf } from "../../image/digest.ts";
import { streamOf } from "../../io/mod.ts";
import { btrfs, cString, xattrs } from "../../sys/mod.ts";
import { END_OF_TAR } from "../../tar/mod.ts";
import { concat, rawBlock, rawFile } from "../../tar/tar_testing.ts";
import { namesIn, sweepIngest } from "../directory_driver/staging_dir.ts";
import { openDir } from "../overlay/merged_layers.ts";
import { SUBVOLUME_CALLS } from "./calls.ts";
import { ChainSnapshots } from "./chain_snapshots.ts";
import { BtrfsLayerStore } from "./layer_store.ts";
import { probeBtrfs } from "./probe.ts";
import { BtrfsSnapshotter } from "./snapshotter.ts";

const ID = "5a".repeat(32);
const OTHER = "c3".repeat(32);
const needs = requires("btrfs");

interface Setup {
  readonly root: string;
  readonly store: BtrfsLayerStore;
  readonly snapshotter: BtrfsSnapshotter;
  layer(...parts: Uint8Array[]): Promise<Digest>;
  /** The hex chain ids of all prefixes of the layers. */
  names(layers: readonly Digest[]): Promise<string[]>;
}

function test(name: string, body: (setup: Setup) => Promise<void>): void {
  Deno.test(`btrfs: ${name}`, needs, async () => {
    await using volume = await btrfsVolume();
    const root = `${volume.path}/root`;
    const store = new BtrfsLayerStore({ root });
    const snapshotter = new BtrfsSnapshotter({ root, layers: store });
    const layer = async (...parts: Uint8Array[]) => {
      const tar = concat(...parts, END_OF_TAR);
      const diffId = digestOfHex(await sha256Hex(tar, "native"));
      await store.ingest(streamOf(tar), { diffId });
      return diffId;
    };
    const names = async (layers: readonly Digest[]) => (await chainIds(layers)).map(hexOf);
    try {
      await body({ root, store, snapshotter, layer, names });
    } finally {
      for (const id of await snapshotter.list()) await snapshotter.remove(id);
    }
  });
}

test("images share chains, and removing a layer removes the chains over it", async (setup) => {
  const { root, store, snapshotter, layer, names } = setup;
  const [base, one, two] = [
    await layer(rawFile("a", "")),
    await layer(rawFile("b", "")),
    await layer(rawFile("c", "")),
  ];
  await Promise.all([snapshotter.prepare([base, one], ID), snapshotter.prepare([base, two], OTHER)]);
  const all = new Set([...await names([base, one]), ...await names([base, two])]);
  assert.equal(all.size, 3);
  assert.deepEqual(new Set(await namesIn(`${root}/chains`)), all);
  for (const id of [ID, OTHER]) await snapshotter.remove(id);
  await store.remove(one);
  assert.deepEqual(new Set(await namesIn(`${root}/chains`)), new Set(await names([base, two])));
  await store.remove(base);
  assert.deepEqual([await namesIn(`${root}/chains`), await namesIn(`${root}/ingest`)], [[], []]);
  assert.deepEqual(await store.list(), [two]);
});

test("a missing chain is rebuilt; a container's root doesn't depend on it", async ({ root, snapshotter, layer }) => {
  const layers = [await layer(rawFile("a", "1"), rawFile("d/b", "1")), await layer(rawFile("c", "1"))];
  await snapshotter.prepare(layers, ID);
  const { root: merged } = await snapshotter.mount(ID);
  await Deno.writeTextFile(`${merged}/a`, "changed");
  const chains = new ChainSnapshots(root);
  await chains.removeOver(layers[0]!);
  assert.deepEqual(await chains.list(), []);
  assert.equal(await Deno.readTextFile(`${merged}/d/b`), "1");
  const changes = await Array.fromAsync(snapshotter.diff(ID), ({ path, kind }) => `${kind} ${path}`);
  assert.deepEqual(changes, ["modified /a"]);
  assert.equal((await chains.list()).length, 2);
});

test("a sweep removes chains that lack a layer, and incomplete work", async (setup) => {
  const { root, snapshotter, layer } = setup;
  const layers = [await layer(rawFile("a", "1")), await layer(rawFile("b", "1"))];
  await snapshotter.prepare(layers, ID);
  await Deno.mkdir(`${root}/ingest/abandoned`);
  // As if the engine was killed while it removed a layer.
  await Deno.rename(`${root}/layers/${hexOf(layers[1]!)}`, `${root}/ingest/abandoned/layer`);
  await Deno.mkdir(`${root}/chains/${"0".repeat(64)}`);
  await new ChainSnapshots(root).sweep();
  assert.deepEqual(await namesIn(`${root}/chains`), [hexOf(layers[0]!)]);
  assert.equal(await sweepIngest(root), 1);
  assert.deepEqual(await namesIn(`${root}/ingest`), []);
});

test("subvolumes of a container are removed with it, at any depth, even if read-only", async ({ root, snapshotter, layer }) => {
  await snapshotter.prepare([await layer(rawFile("d/f", ""))], ID);
  const { root: merged } = await snapshotter.mount(ID);
  {
    using dir = openDir(`${merged}/d`, SUBVOLUME_CALLS);
    btrfs.createSubvolume(dir.fd, cString("outer"));
    await Deno.mkdir(`${merged}/d/outer/e`);
    using inner = openDir(`${merged}/d/outer/e`, SUBVOLUME_CALLS);
    btrfs.createSubvolume(inner.fd, cString("inner"));
    await Deno.writeTextFile(`${merged}/d/outer/e/inner/f`, "");
    using outer = openDir(`${merged}/d/outer`, SUBVOLUME_CALLS);
    btrfs.setReadOnlySubvolume(outer.fd, true);
    assert.ok(btrfs.isReadOnlySubvolume(outer.fd));
  }
  await snapshotter.remove(ID);
  assert.deepEqual([await snapshotter.list(), await namesIn(`${root}/ingest`)], [[], []]);
});

test("layers are read-only, and a chain shares their data", async ({ root, store, snapshotter, layer }) => {
  const big = "x".repeat(32 << 20);
  const layers = [await layer(rawFile("low", "")), await layer(rawFile("big", big))];
  await assert.rejects(Deno.writeTextFile(`${(await store.openLowerDir(layers[1]!)).path}/big`, "y"), /Read-only/);
  const usedBytes = () => {
    using dir = openDir(root, SUBVOLUME_CALLS);
    SUBVOLUME_CALLS.syncfs(dir.fd);
    const { totalBytes, availableBytes } = SUBVOLUME_CALLS.statfs(cString(root));
    return totalBytes - availableBytes;
  };
  const before = usedBytes();
  await snapshotter.prepare(layers, ID);
  const { root: merged } = await snapshotter.mount(ID);
  assert.equal((await Deno.readTextFile(`${merged}/big`)).length, big.length);
  assert.ok(usedBytes() - before < big.length / 2, "the data was copied");
});

test("attributes are exactly those of the topmost layer", async ({ snapshotter, layer }) => {
  const low = rawBlock({ name: "d", flag: "5", mode: "0002777\0", uid: "0000007\0" });
  const layers = [
    await layer(low, rawFile("d/f", "")),
    await layer(rawBlock({ name: "d", flag: "5", mode: "0000700\0" }), rawFile("d/.wh.f", ""), rawFile("d/g", "")),
  ];
  await snapshotter.prepare(layers, ID);
  const { root: merged } = await snapshotter.mount(ID);
  const { mode, uid, gid } = await Deno.stat(`${merged}/d`);
  assert.deepEqual([mode! & 0o7777, uid, gid], [0o700, 0, 0]);
  assert.deepEqual([...Deno.readDirSync(`${merged}/d`)].map(({ name }) => name), ["g"]);
  const root = await Deno.stat(merged);
  assert.deepEqual([root.mode! & 0o7777, root.uid], [0o755, 0]);
  assert.deepEqual(xattrs.llistxattr(cString(`${merged}/d`)), []);
});

test("the probe leaves nothing behind", async ({ root }) => {
  assert.equal(await probeBtrfs(root), undefined);
  assert.deepEqual(await namesIn(`${root}/ingest`), []);
});
