/** For tests only: the contract of {@link LayerStore}. Call {@link testLayerStore} from a driver's test file. */
import { strict as assert } from "node:assert";
import { isTsdError } from "../../errors.ts";
import { sha256Hex } from "../../hash/mod.ts";
import { type Digest, digestOfHex } from "../../image/digest.ts";
import { collectBytes } from "../../io/mod.ts";
import { watchDescriptors } from "../../sys/descriptor_watch_testing.ts";
import { cString, xattrs } from "../../sys/mod.ts";
import { bytesOf, END_OF_TAR } from "../../tar/mod.ts";
import { concat, octal, rawBlock, rawFile } from "../../tar/tar_testing.ts";
import type { LayerStore } from "../driver.ts";
import { EDGE_CASE_LAYERS } from "./edge_case_layers.ts";
import { type MaliciousLayer, maliciousLayers } from "./malicious_layers.ts";
import { temporaryDir, type TestDir } from "./test_dir.ts";
import { type DirTools, makeAllFeaturesTree, packWithTar, unpackWithTar } from "./all_features_layer.ts";

/** Gives the suite access to a driver. */
export interface LayerStoreHarness {
  readonly name: string;
  /** Opens another store over the same directory (in-memory stores: over the same layers). */
  create(root: string): LayerStore;
  /** Lists the remains of incomplete operations. */
  leftovers(root: string): Promise<string[]>;
  /** Set if `mountable` returns real directories, whose content is then checked. */
  readonly dirs?: DirTools;
  /** Whether these directories are read-only. */
  readonly isReadOnly?: boolean;
  /** Whether an open layer stays readable after its removal. */
  readonly outlivesRemoval?: boolean;
  /** Creates the directory of a store, on a suitable file system; defaults to a temporary directory. */
  readonly createTestDir?: () => Promise<TestDir>;
  /** Options for `Deno.test`, such as `requires("root")`. */
  readonly options?: { readonly ignore?: boolean };
}

/** A store in a directory that is removed after the test. */
interface Fixture {
  readonly store: LayerStore;
  readonly root: string;
  /** A directory beside it for other files of a test. */
  readonly scratch: string;
}

const LIMITS = { tarBytes: 1 << 30, entries: 1000 };

/** Splits the bytes into chunks that align with no block size. */
function chunked(bytes: Uint8Array, size = 1000): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at < bytes.length) controller.enqueue(bytes.slice(at, at += size));
      else controller.close();
    },
  });
}

async function digestOf(bytes: Uint8Array): Promise<Digest> {
  return digestOfHex(await sha256Hex(bytes, "native"));
}

function contentOf(store: LayerStore, diffId: Digest): Promise<Uint8Array<ArrayBuffer>> {
  return collectBytes(store.openTar(diffId), { maxBytes: 1 << 30, what: "the tar" });
}

const OTHER = concat(rawFile("a", "other"), END_OF_TAR);
const SMALL = concat(rawFile("a", "one"), rawFile("d/b", "three"), END_OF_TAR);

/** Registers the contract as tests. */
export function testLayerStore(harness: LayerStoreHarness): void {
  const suite = new Suite(harness);
  suite.content();
  suite.presence();
  suite.refusals();
  suite.interruptions();
  suite.malicious();
  if (harness.dirs !== undefined) suite.dirs(harness.dirs);
}

/** Some drivers hold mounts. */
const dispose = (store: LayerStore & Partial<Disposable>) => store[Symbol.dispose]?.();

class Suite {
  readonly #harness: LayerStoreHarness;

  constructor(harness: LayerStoreHarness) {
    this.#harness = harness;
  }

  content(): void {
    for (const [name, tar] of Object.entries(EDGE_CASE_LAYERS)) {
      this.#test(`returns the exact bytes: ${name}`, async ({ store }) => {
        const diffId = await digestOf(tar);
        await store.ingest(chunked(tar), { diffId });
        assert.ok(sameBytes(await contentOf(store, diffId), tar), "the tar differs");
        await store.verify(diffId);
      });
    }
  }

  presence(): void {
    this.#test("stores a layer and reports its sizes", async ({ store, root }) => {
      const diffId = await digestOf(SMALL);
      assert.deepEqual([await store.info(diffId), await store.committedAtMs(diffId)], [undefined, undefined]);
      const beforeMs = Date.now();
      const info = await store.ingest(chunked(SMALL), { diffId }, { limits: LIMITS });
      assert.deepEqual(info, { diffId, tarBytes: SMALL.length, contentBytes: 8, entries: 2 });
      assert.deepEqual(await store.info(diffId), info);
      assert.ok(Math.abs(await store.committedAtMs(diffId) as number - beforeMs) < 60_000);
      assert.deepEqual(await store.list(), [diffId]);
      const reopened = this.#harness.create(root);
      assert.deepEqual(await reopened.info(diffId), info);
      for (const each of [store, reopened]) assert.match((await each.openLowerDir(diffId)).path, /^\//);
      dispose(reopened);
      assert.deepEqual(await this.#harness.leftovers(root), []);
    });
    this.#test("reads and verifies the tar of an existing layer", async ({ store }) => {
      const diffId = await digestOf(SMALL);
      const info = await store.ingest(chunked(SMALL), { diffId });
      assert.deepEqual(await store.ingest(chunked(SMALL), { diffId }), info);
      await assert.rejects(store.ingest(chunked(END_OF_TAR), { diffId }), { code: "digest_mismatch" });
      assert.deepEqual(await store.info(diffId), info);
      await store.verify(diffId);
    });
    this.#test("accepts concurrent ingests of the same layer", async ({ store, root }) => {
      const diffId = await digestOf(SMALL);
      const stores = [store, this.#harness.create(root), this.#harness.create(root)];
      const infos = await Promise.all(stores.map((one, i) => one.ingest(chunked(SMALL, 100 + 300 * i), { diffId })));
      assert.deepEqual(infos, [infos[0], infos[0], infos[0]]);
      assert.deepEqual(await store.list(), [diffId]);
      assert.deepEqual(await this.#harness.leftovers(root), []);
      await store.verify(diffId);
    });
    this.#test(
      "opening a layer while it is removed gives that layer or not_found, never another layer",
      async (fixture) => {
        const { store } = fixture;
        const [first, second] = [await digestOf(SMALL), await digestOf(OTHER)];
        for (let round = 0; round < 10; round++) {
          await store.ingest(chunked(SMALL), { diffId: first });
          await store.ingest(chunked(OTHER), { diffId: second });
          const opening = store.openLowerDir(first).catch((thrown) => thrown);
          if (round % 2 === 1) await opening;
          await store.remove(first);
          const opened = await opening;
          using other = await store.openLowerDir(second);
          if (isTsdError(opened, "not_found")) continue;
          assert.ok("path" in opened, String(opened));
          if (this.#harness.outlivesRemoval) assert.equal(await Deno.readTextFile(`${opened.path}/a`), "one");
          if (this.#harness.outlivesRemoval) assert.equal(await Deno.readTextFile(`${other.path}/a`), "other");
          opened[Symbol.dispose]();
        }
        await store.waitForRemovals();
      },
    );
    this.#test("removes layers and reports not_found for them", async ({ store, root }) => {
      const [first, second] = [await digestOf(SMALL), await digestOf(END_OF_TAR)];
      await store.ingest(chunked(SMALL), { diffId: first });
      await store.ingest(chunked(END_OF_TAR), { diffId: second });
      await store.remove(first);
      await store.remove(first);
      assert.deepEqual(await store.list(), [second]);
      await store.waitForRemovals();
      assert.equal(await store.waitForRemovals(), false);
      assert.deepEqual(await this.#harness.leftovers(root), []);
      await assert.rejects(store.openLowerDir(first), { code: "not_found" });
      await assert.rejects(store.verify(first), { code: "not_found" });
      await assert.rejects(contentOf(store, first), { code: "not_found" });
      await store.ingest(chunked(SMALL), { diffId: first });
      await store.verify(first);
    });
  }

  refusals(): void {
    this.#test("rejects a tar with another digest", async (fixture) => {
      await this.#assertRefused(fixture, chunked(SMALL), await digestOf(END_OF_TAR), "digest_mismatch");
    });
    this.#test("rejects a truncated tar", async (fixture) => {
      const cut = SMALL.subarray(0, 1100);
      await this.#assertRefused(fixture, chunked(cut), await digestOf(cut), "layer_invalid");
    });
    this.#test("rejects more bytes than the limit without reading on", async (fixture) => {
      let givenBytes = 0;
      const zeros = new ReadableStream<Uint8Array>({
        pull: (controller) =>
          controller.enqueue(new Uint8Array(givenBytes += 65_536 - givenBytes % 65_536).subarray(0, 65_536)),
      });
      const file = rawBlock({ name: "zeros", size: octal(900_000) });
      const bomb = joined(chunked(file), zeros);
      const limits = { tarBytes: 1_000_000, entries: 10 };
      await this.#assertRefused(fixture, bomb, await digestOf(SMALL), "layer_too_large", limits);
      assert.ok(givenBytes < 2_000_000, `read on to ${givenBytes} bytes`);
    });
    this.#test("rejects more entries than the limit", async (fixture) => {
      const many = concat(...Array.from({ length: 1001 }, (_, i) => rawBlock({ name: `f${i}` })), END_OF_TAR);
      await this.#assertRefused(fixture, chunked(many), await digestOf(many), "layer_too_large");
    });
  }

  interruptions(): void {
    this.#test("leaves nothing if the source fails", async (fixture) => {
      const cable = new Error("cable cut");
      const source = joined(
        chunked(SMALL.subarray(0, 700)),
        new ReadableStream({ pull: (controller) => controller.error(cable) }),
      );
      await assert.rejects(fixture.store.ingest(source, { diffId: await digestOf(SMALL) }), cable);
      await this.#assertNothing(fixture);
    });
    this.#test("leaves nothing if it is cancelled, even while it waits", async (fixture) => {
      const controller = new AbortController();
      let isCancelled = false;
      const stalling = new ReadableStream<Uint8Array>({
        start: (source) => source.enqueue(SMALL.slice(0, 700)),
        pull: () => new Promise<void>(() => queueMicrotask(() => controller.abort())),
        cancel: () => void (isCancelled = true),
      });
      const diffId = await digestOf(SMALL);
      const ingest = fixture.store.ingest(stalling, { diffId }, { signal: controller.signal });
      await assert.rejects(ingest, { code: "cancelled" });
      assert.ok(isCancelled);
      await this.#assertNothing(fixture);
      const aborted = fixture.store.ingest(chunked(SMALL), { diffId }, { signal: AbortSignal.abort() });
      await assert.rejects(aborted, { code: "cancelled" });
      await this.#assertNothing(fixture);
    });
    this.#test("closes the descriptors of a tar that isn't read to its end", async ({ store }) => {
      const large = concat(rawFile("f", "x".repeat(1 << 20)), rawFile("f", "y".repeat(1 << 20)), END_OF_TAR);
      const diffId = await digestOf(large);
      const noneAdded = watchDescriptors();
      await store.ingest(chunked(large, 100_000), { diffId });
      for (let i = 0; i < 3; i++) {
        const reader = store.openTar(diffId).getReader();
        await reader.read();
        await reader.cancel();
      }
      await noneAdded();
    });
  }

  malicious(): void {
    this.#test("withstands malicious layers", async (fixture) => {
      const victim = `${fixture.scratch}/victim`;
      await Deno.mkdir(victim);
      await Deno.writeTextFile(`${victim}/secret`, "secret");
      const untouched = await stateOf(victim);
      for (const malicious of maliciousLayers(victim)) {
        await this.#withstand(fixture, malicious);
        assert.deepEqual(await stateOf(victim), untouched, malicious.name);
      }
    });
  }

  async #withstand(fixture: Fixture, { name, tar, outcome }: MaliciousLayer): Promise<void> {
    const { dirs } = this.#harness;
    const diffId = await digestOf(tar);
    const ingest = fixture.store.ingest(chunked(tar, 4000), { diffId }, { limits: LIMITS });
    if ("refused" in outcome) {
      await assert.rejects(ingest, (thrown) => isTsdError(thrown, outcome.refused), name);
      return await this.#assertNothing(fixture);
    }
    await ingest;
    if (dirs !== undefined) {
      const found = await dirs.listTree((await fixture.store.openLowerDir(diffId)).path);
      const expected = outcome.paths.map((path) => path.replace(/\/$/, ""));
      assert.deepEqual(found.map(({ path }) => path).sort(), [".", ...expected].sort(), name);
    }
    await fixture.store.verify(diffId);
    await fixture.store.remove(diffId);
    await fixture.store.waitForRemovals();
  }

  dirs(tools: DirTools): void {
    this.#test("has exactly the files and attributes that GNU tar unpacks", async ({ store, scratch }) => {
      const [source, unpacked, archive] = ["source", "unpacked", "archive.tar"].map((name) => `${scratch}/${name}`);
      await Deno.mkdir(source!);
      await makeAllFeaturesTree(source!);
      for (
        const format of [[], ["--sparse"], ["--sparse", "--sparse-version=0.0"], ["--sparse", "--sparse-version=0.1"]]
      ) {
        await packWithTar(tools, source!, archive!, format);
        await Deno.mkdir(unpacked!);
        await unpackWithTar(tools, archive!, unpacked!);
        const tar = await Deno.readFile(archive!);
        const diffId = await digestOf(tar);
        await store.ingest(chunked(tar, 5000), { diffId });
        const [expected, found] = [
          await tools.listTree(unpacked!),
          await tools.listTree((await store.openLowerDir(diffId)).path),
        ];
        assert.ok(expected.length >= 20);
        assert.deepEqual(tools.diffTrees(expected, found), []);
        assert.ok(sameBytes(await contentOf(store, diffId), tar), "the tar differs");
        await store.verify(diffId);
        await Deno.remove(unpacked!, { recursive: true });
      }
    });
    this.#test("marks whiteouts and opaque directories as overlayfs expects them", async ({ store }) => {
      const tar = concat(rawFile(".wh.gone", ""), rawFile("d/.wh..wh..opq", ""), rawFile("e/.wh.f", ""), END_OF_TAR);
      const diffId = await digestOf(tar);
      await store.ingest(chunked(tar), { diffId });
      const found = await tools.listTree((await store.openLowerDir(diffId)).path);
      assert.deepEqual(found.map(({ path }) => path).sort(), [".", "d", "e", "e/f", "gone"]);
      const isWhiteout = async (name: string) => {
        const { isCharDevice, rdev } = await Deno.lstat(`${(await store.openLowerDir(diffId)).path}/${name}`);
        return isCharDevice === true && rdev === 0;
      };
      assert.ok(await isWhiteout("gone") && await isWhiteout("e/f"));
      const { path: dir } = await store.openLowerDir(diffId);
      const opaque = xattrs.lgetxattr(cString(`${dir}/d`), cString("trusted.overlay.opaque"));
      assert.deepEqual(opaque, bytesOf("y"));
    });
    if (this.#harness.isReadOnly) return;
    this.#test("verify detects damage", async ({ store }) => {
      const diffId = await digestOf(SMALL);
      const damages: ((dir: string) => Promise<void>)[] = [
        (dir) => Deno.writeTextFile(`${dir}/a`, "two"),
        (dir) => Deno.writeTextFile(`${dir}/a`, "longer"),
        (dir) => Deno.remove(`${dir}/d`, { recursive: true }),
        async (dir) => {
          await Deno.remove(`${dir}/a`);
          await Deno.symlink("d/b", `${dir}/a`);
        },
      ];
      for (const damage of damages) {
        await store.ingest(chunked(SMALL), { diffId });
        await store.verify(diffId);
        await damage((await store.openLowerDir(diffId)).path);
        await assert.rejects(store.verify(diffId), { code: "digest_mismatch" });
        await store.remove(diffId);
        await store.waitForRemovals();
      }
    });
  }

  #test(name: string, body: (fixture: Fixture) => Promise<void>): void {
    const { options, create, createTestDir = temporaryDir } = this.#harness;
    Deno.test({
      name: `${this.#harness.name}: ${name}`,
      ...options,
      fn: async () => {
        await using testDir = await createTestDir();
        const scratch = testDir.path;
        const root = `${scratch}/root`;
        await Deno.mkdir(root);
        const store = create(root);
        await body({ store, root, scratch });
        dispose(store);
      },
    });
  }

  async #assertRefused(
    fixture: Fixture,
    tar: ReadableStream<Uint8Array>,
    diffId: Digest,
    code: "digest_mismatch" | "layer_invalid" | "layer_too_large",
    limits = LIMITS,
  ): Promise<void> {
    await assert.rejects(fixture.store.ingest(tar, { diffId }, { limits }), { code });
    assert.equal(await fixture.store.info(diffId), undefined);
    await this.#assertNothing(fixture);
  }

  async #assertNothing({ store, root }: Fixture): Promise<void> {
    assert.deepEqual(await store.list(), []);
    assert.deepEqual(await this.#harness.leftovers(root), []);
  }
}

function joined(...streams: ReadableStream<Uint8Array>[]): ReadableStream<Uint8Array> {
  return ReadableStream.from(async function* () {
    for (const stream of streams) yield* stream;
  }());
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

/** Captures what an attack would change: content, links, times, names. */
async function stateOf(victim: string): Promise<unknown> {
  const statusOf = async (path: string) => {
    const { size, nlink, mode, mtime, ctime } = await Deno.lstat(path);
    return { size, nlink, mode, mtime, ctime };
  };
  const names = (await Array.fromAsync(Deno.readDir(victim))).map(({ name }) => name);
  const secret = `${victim}/secret`;
  return [names, await statusOf(victim), await statusOf(secret), await Deno.readTextFile(secret)];
}
