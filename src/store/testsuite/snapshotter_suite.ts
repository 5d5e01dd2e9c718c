/** For tests only: the contract of {@link Snapshotter}. Call {@link testSnapshotter} from a driver's test file. */
import { strict as assert } from "node:assert";
import { sha256Hex } from "../../hash/mod.ts";
import { type Digest, digestOfHex } from "../../image/digest.ts";
import { streamOf } from "../../io/mod.ts";
import { END_OF_TAR } from "../../tar/mod.ts";
import { concat, rawBlock, rawFile } from "../../tar/tar_testing.ts";
import type { LayerStore, Snapshotter } from "../driver.ts";
import { DIFF_CASES } from "./diff_cases.ts";
import { temporaryDir, type TestDir } from "./test_dir.ts";
import { type DirTools, makeAllFeaturesTree, packWithTar, unpackWithTar } from "./all_features_layer.ts";

/** A driver's layer store and snapshotter over one directory. */
export interface SnapshotDriver {
  /** Some drivers hold mounts. */
  readonly layers: LayerStore & Partial<Disposable>;
  readonly snapshotter: Snapshotter;
}

/** Gives the suite access to a driver. */
export interface SnapshotterHarness {
  readonly name: string;
  /** Opens another pair over the same directory (in memory: over the same contents). */
  create(root: string): SnapshotDriver;
  /** Lists the remains of incomplete operations. */
  leftovers(root: string): Promise<string[]>;
  /** Set if mounts are real. */
  readonly dirs?: DirTools;
  /** Creates the directory of a driver, on a suitable file system; defaults to a temporary directory. */
  readonly createTestDir?: () => Promise<TestDir>;
  /** Options for `Deno.test`, such as `requires("root")`. */
  readonly options?: { readonly ignore?: boolean };
}

interface Fixture extends SnapshotDriver {
  readonly root: string;
  readonly scratch: string;
  /** Ingests a layer with these tar members. */
  layer(...parts: Uint8Array[]): Promise<Digest>;
}

const ID = "5a".repeat(32);
const OTHER = "c3".repeat(32);
const DIR = { flag: "5", mode: "0000755\0" } as const;
const NAMES_OF_ROOTS = ["plain", "a,b:c\\d e", "long/".repeat(60) + "end"];

/** Registers the contract as tests. */
export function testSnapshotter(harness: SnapshotterHarness): void {
  const suite = new Suite(harness);
  suite.presence();
  if (harness.dirs === undefined) return;
  suite.writing();
  suite.merging(harness.dirs);
  suite.differing();
  suite.extremes();
}

class Suite {
  readonly #harness: SnapshotterHarness;

  constructor(harness: SnapshotterHarness) {
    this.#harness = harness;
  }

  presence(): void {
    this.#test("creates, mounts, lists and removes snapshots", async ({ snapshotter, layer, root }) => {
      const base = await layer(rawFile("f", "1"));
      assert.deepEqual(await snapshotter.list(), []);
      await snapshotter.prepare([base], ID);
      await snapshotter.prepare([base], OTHER);
      assert.deepEqual((await snapshotter.list()).sort(), [ID, OTHER]);
      assert.deepEqual([await snapshotter.isComplete(ID), await snapshotter.isComplete("00".repeat(32))], [
        true,
        false,
      ]);
      assert.deepEqual(await changes(snapshotter, ID), []);
      const mount = await snapshotter.mount(ID);
      assert.deepEqual(await snapshotter.mount(ID), mount);
      assert.notEqual((await snapshotter.mount(OTHER)).root, mount.root);
      assert.deepEqual(await this.#harness.create(root).snapshotter.mount(ID), mount);
      await snapshotter.unmount(ID);
      await snapshotter.unmount(ID);
      await snapshotter.remove(ID);
      await snapshotter.remove(ID);
      assert.deepEqual(await snapshotter.list(), [OTHER]);
      // While it is mounted.
      await snapshotter.remove(OTHER);
      assert.deepEqual(await snapshotter.list(), []);
      assert.deepEqual(await this.#harness.leftovers(root), []);
    });
    this.#test("rejects invalid requests", async ({ snapshotter, layer }) => {
      const base = await layer(rawFile("f", "1"));
      const missing = digestOfHex("0".repeat(64));
      await assert.rejects(snapshotter.prepare([base, missing], ID), { code: "not_found" });
      await assert.rejects(snapshotter.prepare([base], "../" + ID.slice(3)), { code: "invalid_argument" });
      assert.deepEqual(await snapshotter.list(), []);
      await snapshotter.prepare([base], ID);
      await assert.rejects(snapshotter.prepare([base], ID), { code: "conflict" });
      await assert.rejects(snapshotter.mount(OTHER), { code: "not_found" });
      await assert.rejects(snapshotter.usage(OTHER), { code: "not_found" });
      await assert.rejects(changes(snapshotter, OTHER), { code: "not_found" });
      await snapshotter.unmount(OTHER);
      await snapshotter.remove(OTHER);
    });
    this.#test("lets exactly one of concurrent calls create a snapshot", async ({ snapshotter, layer }) => {
      const base = await layer(rawFile("f", "1"));
      const tries = await Promise.allSettled([1, 2, 3, 4].map(() => snapshotter.prepare([base], ID)));
      assert.equal(tries.filter(({ status }) => status === "fulfilled").length, 1);
      await snapshotter.mount(ID);
    });
  }

  writing(): void {
    this.#test("isolates what a container writes from its layers", async ({ snapshotter, layers, layer }) => {
      const base = await layer(rawFile("f", "layer"), rawFile("d/g", "layer"));
      await snapshotter.prepare([base], ID);
      await snapshotter.prepare([base], OTHER);
      const [first, other] = [await snapshotter.mount(ID), await snapshotter.mount(OTHER)];
      await Deno.writeTextFile(`${first.root}/f`, "mine");
      await Deno.remove(`${first.root}/d`, { recursive: true });
      assert.equal(await Deno.readTextFile(`${other.root}/f`), "layer");
      assert.equal(await Deno.readTextFile(`${other.root}/d/g`), "layer");
      await layers.verify(base);
      await snapshotter.unmount(ID);
      const remounted = await snapshotter.mount(ID);
      assert.equal(await Deno.readTextFile(`${remounted.root}/f`), "mine");
      assert.deepEqual([...Deno.readDirSync(remounted.root)].map(({ name }) => name), ["f"]);
    });
    this.#test("mounts once for concurrent calls", async ({ snapshotter, layer, scratch }) => {
      await snapshotter.prepare([await layer(rawFile("f", "1"))], ID);
      const mounts = await Promise.all([1, 2, 3].map(() => snapshotter.mount(ID)));
      assert.equal(new Set(mounts.map(({ root }) => root)).size, 1);
      assert.equal(mountsBelow(scratch).length, 1);
      await snapshotter.unmount(ID);
      assert.deepEqual(mountsBelow(scratch), []);
    });
    this.#test("measures what a container wrote", async ({ snapshotter, layer, root }) => {
      await snapshotter.prepare([await layer(rawFile("f", "layer"))], ID);
      assert.deepEqual(await snapshotter.usage(ID), { bytes: 0, inodes: 0 });
      const mount = await snapshotter.mount(ID);
      await Deno.mkdir(`${mount.root}/d/e`, { recursive: true });
      await Deno.writeTextFile(`${mount.root}/d/e/g`, "x".repeat(1000));
      await Deno.link(`${mount.root}/d/e/g`, `${mount.root}/second`);
      await Deno.symlink(root, `${mount.root}/d/link`);
      const linkBytes = (await Deno.lstat(`${mount.root}/d/link`)).size;
      assert.deepEqual(await snapshotter.usage(ID), { bytes: 1000 + linkBytes, inodes: 4 });
    });
    this.#test("detaches a busy mount", async ({ snapshotter, layer, scratch }) => {
      await snapshotter.prepare([await layer(rawFile("f", "layer"))], ID);
      const mount = await snapshotter.mount(ID);
      using file = await Deno.open(`${mount.root}/f`);
      await snapshotter.unmount(ID);
      assert.deepEqual(mountsBelow(scratch), []);
      assert.equal((await file.stat()).size, 5);
      await snapshotter.remove(ID);
      assert.deepEqual(await snapshotter.list(), []);
    });
  }

  merging(tools: DirTools): void {
    this.#test("shows a layer as GNU tar unpacks it", async ({ snapshotter, layers, scratch }) => {
      const [source, unpacked, archive] = ["source", "unpacked", "archive.tar"].map((name) => `${scratch}/${name}`);
      for (const dir of [source!, unpacked!]) await Deno.mkdir(dir);
      await makeAllFeaturesTree(source!);
      await packWithTar(tools, source!, archive!, ["--sparse"]);
      await unpackWithTar(tools, archive!, unpacked!);
      const tar = await Deno.readFile(archive!);
      const diffId = digestOfHex(await sha256Hex(tar, "native"));
      await layers.ingest(streamOf(tar), { diffId });
      await snapshotter.prepare([diffId], ID);
      const mount = await snapshotter.mount(ID);
      assert.deepEqual(tools.diffTrees(await tools.listTree(unpacked!), await tools.listTree(mount.root)), []);
    });
    this.#test("merges layers, with whiteouts and opaque directories", async ({ snapshotter, layer }) => {
      const base = await layer(rawFile("gone", ""), rawFile("d/low", ""), rawFile("e/low", ""), rawFile("f", "low"));
      const middle = await layer(
        rawFile(".wh.gone", ""),
        rawFile("d/.wh..wh..opq", ""),
        rawFile("d/own", ""),
        rawFile("e/.wh.low", ""),
        rawFile("e/own", ""),
      );
      const top = await layer(rawFile(".wh.e", ""), rawBlock({ name: "e", ...DIR }), rawFile("f", "high"));
      await snapshotter.prepare([base, middle, top], ID);
      const { root } = await snapshotter.mount(ID);
      assert.deepEqual(pathsIn(root), ["d/", "d/own", "e/", "f"]);
      assert.equal(await Deno.readTextFile(`${root}/f`), "high");
    });
    this.#test("accepts a layer that occurs twice", async ({ snapshotter, layer }) => {
      const first = await layer(rawFile("a", "own"), rawFile(".wh.c", ""));
      const other = await layer(rawFile(".wh.a", ""), rawFile("b", ""), rawFile("c", ""));
      const empty = await layer();
      await snapshotter.prepare([empty, first, empty, other, first, empty], ID);
      assert.deepEqual(pathsIn((await snapshotter.mount(ID)).root), ["a", "b"]);
    });
    this.#test("hides everything below a layer whose root is opaque", async ({ snapshotter, layer }) => {
      const base = await layer(rawFile("low", ""), rawFile("d/low", ""));
      const middle = await layer(rawFile(".wh..wh..opq", ""), rawFile("d/own", ""));
      const top = await layer(rawFile("high", ""));
      await snapshotter.prepare([base, middle, top], ID);
      const { root } = await snapshotter.mount(ID);
      assert.deepEqual(pathsIn(root), ["d/", "d/own", "high"]);
    });
  }

  differing(): void {
    for (const { name, layers, act, assumed, expect } of DIFF_CASES) {
      this.#test(`lists what a container changed: ${name}`, async ({ snapshotter, layer }) => {
        const stack: Digest[] = [];
        for (const parts of layers) stack.push(await layer(...parts));
        await snapshotter.prepare(stack, ID);
        await act((await snapshotter.mount(ID)).root);
        assert.deepEqual(await changes(snapshotter, ID, assumed), expect);
        await snapshotter.unmount(ID);
        assert.deepEqual(await changes(snapshotter, ID, assumed), expect, "not mounted");
      });
    }
  }

  extremes(): void {
    this.#test("mounts a snapshot of no layers", async ({ snapshotter }) => {
      await snapshotter.prepare([], ID);
      const { root } = await snapshotter.mount(ID);
      assert.deepEqual(pathsIn(root), []);
      await Deno.writeTextFile(`${root}/f`, "written");
      await snapshotter.unmount(ID);
      await snapshotter.mount(ID);
      assert.equal(await Deno.readTextFile(`${root}/f`), "written");
    });
    this.#test("mounts 127 layers", async ({ snapshotter, layer }) => {
      const layers: Digest[] = [];
      for (let i = 0; i < 127; i++) layers.push(await layer(rawFile(`d/${i}`, ""), rawFile("top", String(i))));
      await snapshotter.prepare(layers, ID);
      const { root } = await snapshotter.mount(ID);
      assert.equal(pathsIn(root).length, 127 + 2);
      assert.equal(await Deno.readTextFile(`${root}/top`), "126");
    });
    for (const name of NAMES_OF_ROOTS) {
      this.#test(`works below a directory named ${name.slice(0, 20)}`, async ({ snapshotter, layer }) => {
        await snapshotter.prepare([await layer(rawFile("low", "")), await layer(rawFile("high", ""))], ID);
        const { root } = await snapshotter.mount(ID);
        assert.deepEqual(pathsIn(root), ["high", "low"]);
        await Deno.writeTextFile(`${root}/new`, "");
      }, name);
    }
  }

  #test(name: string, body: (fixture: Fixture) => Promise<void>, rootName = "root"): void {
    const { options, create, createTestDir = temporaryDir } = this.#harness;
    Deno.test({
      name: `${this.#harness.name}: ${name}`,
      ...options,
      fn: async () => {
        await using testDir = await createTestDir();
        const root = `${testDir.path}/${rootName}`;
        await Deno.mkdir(root, { recursive: true });
        await this.#with(create(root), root, testDir.path, body);
      },
    });
  }

  async #with(driver: SnapshotDriver, root: string, scratch: string, body: (fixture: Fixture) => Promise<void>) {
    const layer = async (...parts: Uint8Array[]) => {
      const tar = concat(...parts, END_OF_TAR);
      const diffId = digestOfHex(await sha256Hex(tar, "native"));
      await driver.layers.ingest(streamOf(tar), { diffId });
      return diffId;
    };
    try {
      await body({ ...driver, root, scratch, layer });
    } finally {
      for (const id of await driver.snapshotter.list()) await driver.snapshotter.remove(id);
      driver.layers[Symbol.dispose]?.();
    }
  }
}

/** Changes in the format of `docker diff`. */
async function changes(snapshotter: Snapshotter, id: string, assumed: readonly string[] = []): Promise<string[]> {
  const letters = { modified: "C", added: "A", deleted: "D" } as const;
  return await Array.fromAsync(snapshotter.diff(id, new Set(assumed)), ({ path, kind }) => `${letters[kind]} ${path}`);
}

/**
 * Snapshots in the mount table below this test's directory: other tests run concurrently with the same ids. Layers may
 * be mounted as well.
 */
function mountsBelow(dir: string): string[] {
  const table = Deno.readTextFileSync("/proc/self/mountinfo").split("\n");
  return table.filter((line) => line.includes(`${dir}/`) && line.includes("/snapshots/"));
}

/** Paths below `root`, directories with a trailing slash, sorted. */
function pathsIn(root: string, prefix = ""): string[] {
  return [...Deno.readDirSync(root)].flatMap(({ name, isDirectory }) =>
    isDirectory ? [`${prefix}${name}/`, ...pathsIn(`${root}/${name}`, `${prefix}${name}/`)] : [prefix + name]
  ).sort();
}
