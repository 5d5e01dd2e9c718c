/** Indexes at their limits, and the handling of damaged ones. */
import { strict as assert } from "node:assert";
import { runCommand } from "../../../tests/harness/mod.ts";
import { requires } from "../../../tests/requires.ts";
import { sha256Hex } from "../../hash/mod.ts";
import { type Digest, digestOfHex, hexOf } from "../../image/digest.ts";
import { collectBytes, streamOf } from "../../io/mod.ts";
import { cString, xattrs } from "../../sys/mod.ts";
import { bytesOf, END_OF_TAR, tarHeader, tarStream } from "../../tar/mod.ts";
import { formatRecord } from "../../tar/pax.ts";
import { concat, rawBlock, rawExtension } from "../../tar/tar_testing.ts";
import { removeDir } from "../directory_driver/clearing.ts";
import { OverlaySnapshotter } from "../overlay/mod.ts";
import { ErofsLayerStore } from "./layer_store.ts";
import { probeErofs } from "./probe.ts";
import { Immutability } from "./immutability.ts";

interface Setup {
  readonly root: string;
  readonly store: ErofsLayerStore;
  ingest(files: Readonly<Record<string, string>>): Promise<Digest>;
  dirOf(diffId: Digest): string;
}

async function withSetup(use: (setup: Setup) => Promise<void>): Promise<void> {
  const root = await Deno.makeTempDir({ prefix: "tsd-index-" });
  const store = new ErofsLayerStore({ root });
  try {
    await use({
      root,
      store,
      ingest: async (files) => {
        const members = Object.entries(files).map(([path, content]) => ({
          header: tarHeader({ type: "file", path, sizeBytes: content.length }),
          body: bytesOf(content),
        }));
        const tar = await collectBytes(tarStream(members), { maxBytes: 1 << 28, what: "a tar" });
        const diffId = digestOfHex(await sha256Hex(tar, "native"));
        await store.ingest(streamOf(tar), { diffId });
        return diffId;
      },
      dirOf: (diffId) => `${root}/layers/${hexOf(diffId)}`,
    });
  } finally {
    store[Symbol.dispose]();
    await removeDir(root);
  }
}

async function flipByte(path: string, at: number): Promise<void> {
  using file = await Deno.open(path, { read: true, write: true });
  const byte = new Uint8Array(1);
  await file.seek(at, Deno.SeekMode.Start);
  await file.read(byte);
  byte[0] ^= 0xff;
  await file.seek(at, Deno.SeekMode.Start);
  await file.write(byte);
}

Deno.test("a directory with very many names of the maximum length", requires("root"), async () => {
  await withSetup(async ({ store, ingest }) => {
    const nameOf = (n: number) => `${n}`.padStart(255, "n");
    const count = 20_000;
    const diffId = await ingest(
      Object.fromEntries(Array.from({ length: count }, (_, n) => [`d/${nameOf(n)}`, `${n}`])),
    );
    const { path: dir } = await store.openLowerDir(diffId);
    assert.equal([...Deno.readDirSync(`${dir}/d`)].length, count);
    for (const n of [0, 1, 777, count - 1]) assert.equal(await Deno.readTextFile(`${dir}/d/${nameOf(n)}`), `${n}`);
  });
});

Deno.test("an index that is missing, truncated or by another writer version is rebuilt", requires("root"), async () => {
  await withSetup(async ({ store, ingest, dirOf }) => {
    const diffId = await ingest({ "a/b": "content" });
    const index = `${dirOf(diffId)}/index.erofs`;
    const whole = await Deno.readFile(index);
    const damages: Record<string, () => Promise<void>> = {
      missing: () => Deno.remove(index),
      "cut off": () => Deno.truncate(index, whole.length - 512),
      empty: () => Deno.truncate(index, 0),
      "another writer's": () => flipByte(index, 1024 + 64),
      "no file system": () => flipByte(index, 1024),
      "refused by the kernel": () => flipByte(index, 1024 + 12),
    };
    for (const [name, damage] of Object.entries(damages)) {
      new Immutability().unprotect(index);
      await damage();
      assert.equal(await Deno.readTextFile(`${(await store.openLowerDir(diffId)).path}/a/b`), "content", name);
      assert.deepEqual(await Deno.readFile(index), whole, name);
      store[Symbol.dispose](); // the next store mounts it again
    }
    assert.deepEqual([...Deno.readDirSync(dirOf(diffId))].map(({ name }) => name).sort(), [
      "index.erofs",
      "info.json",
      "layer.tar",
    ]);
  });
});

Deno.test("an index can be rebuilt in another thread, once for all waiting callers", requires("root"), async () => {
  await withSetup(async ({ root, store, ingest, dirOf }) => {
    const diffId = await ingest({ "a/b": "content" });
    const index = `${dirOf(diffId)}/index.erofs`;
    const requested: string[] = [];
    using other = new ErofsLayerStore({
      root,
      remake: (expected) => {
        requested.push(expected);
        return store.remake(expected);
      },
    });
    new Immutability().unprotect(index);
    await Deno.remove(index);
    const dirs = await Promise.all([1, 2, 3].map(() => other.openLowerDir(diffId)));
    for (const { path } of dirs) assert.equal(await Deno.readTextFile(`${path}/a/b`), "content");
    assert.deepEqual(requested, [diffId]);
    await assert.rejects(store.remake(digestOfHex("0".repeat(64))), { code: "not_found" });
  });
});

Deno.test("verify repairs a damaged index and detects a damaged tar", requires("root"), async () => {
  await withSetup(async ({ store, ingest, dirOf }) => {
    const diffId = await ingest({ "a/b": "content" });
    const index = `${dirOf(diffId)}/index.erofs`;
    const whole = await Deno.readFile(index);
    new Immutability().unprotect(index);
    await flipByte(index, whole.length - 500);
    await store.verify(diffId);
    assert.deepEqual(await Deno.readFile(index), whole);
    new Immutability().unprotect(`${dirOf(diffId)}/layer.tar`);
    await flipByte(`${dirOf(diffId)}/layer.tar`, 600);
    await assert.rejects(store.verify(diffId), { code: "digest_mismatch" });
  });
});

Deno.test("an open file of a removed layer stays readable", requires("root"), async () => {
  await withSetup(async ({ store, ingest }) => {
    const diffId = await ingest({ f: "content" });
    const { path: dir } = await store.openLowerDir(diffId);
    using file = await Deno.open(`${dir}/f`);
    await store.remove(diffId);
    const bytes = new Uint8Array(7);
    assert.equal(await file.read(bytes), 7);
    assert.equal(new TextDecoder().decode(bytes), "content");
    await assert.rejects(store.openLowerDir(diffId), { code: "not_found" });
  });
});

Deno.test("the C library lists every entry, including the root, and copy-up keeps a file's inode number", {
  ...requires("root", "overlay"),
}, async () => {
  await withSetup(async ({ root, store, ingest }) => {
    const layers = [await ingest({ "d/f": "low", "d/g": "x" }), await ingest({ "d/h": "high" })];
    const snapshotter = new OverlaySnapshotter({ root, layers: store });
    const id = "ab".repeat(32);
    await snapshotter.prepare(layers, id);
    try {
      const { root: merged } = await snapshotter.mount(id);
      const listed = await runCommand("ls", ["-a", `${merged}/d`]);
      assert.deepEqual(listed.stdout.trim().split("\n"), [".", "..", "f", "g", "h"]);
      const before = (await Deno.stat(`${merged}/d/f`)).ino;
      await Deno.chmod(`${merged}/d/f`, 0o600);
      await snapshotter.unmount(id);
      await snapshotter.mount(id);
      assert.equal((await Deno.stat(`${merged}/d/f`)).ino, before);
    } finally {
      await snapshotter.remove(id);
    }
  });
});

Deno.test("xattrs at their limits are stored, and larger ones are rejected", requires("root"), async () => {
  await withSetup(async ({ store }) => {
    const ingest = async (xattrs: Readonly<Record<string, number>>) => {
      const values = new Map(Object.entries(xattrs).map(([name, length]) => [name, new Uint8Array(length).fill(7)]));
      const header = tarHeader({ type: "file", path: "f", sizeBytes: 4, xattrs: values });
      const tar = await collectBytes(tarStream([{ header, body: bytesOf("data") }]), {
        maxBytes: 1 << 24,
        what: "a tar",
      });
      const diffId = digestOfHex(await sha256Hex(tar, "native"));
      await store.ingest(streamOf(tar), { diffId });
      return (await store.openLowerDir(diffId)).path;
    };
    const most = { "user.a": 65_535, "user.b": 65_535, "trusted.c": 65_535, "user.d": 65_000 };
    const dir = await ingest(most);
    for (const [name, length] of Object.entries(most)) {
      assert.equal(xattrs.lgetxattr(cString(`${dir}/f`), cString(name))?.length, length, name);
    }
    assert.equal(await Deno.readTextFile(`${dir}/f`), "data");
    for (const more of [{ "user.a": 65_536 }, { ...most, "user.e": 5_000 }]) {
      await assert.rejects(ingest(more), { code: "layer_invalid" });
    }
    const odd = await ingest({ "user.": 3, "system.posix_acl_accessX": 3, "unknown.x": 3, "user.overlay.opaque": 1 });
    assert.deepEqual(xattrs.llistxattr(cString(`${odd}/f`)), []);
  });
});

Deno.test(
  "a global pax header with large xattrs can't exhaust memory through many entries",
  requires("root"),
  async () => {
    await withSetup(async ({ store }) => {
      const value = "v".repeat(60_000);
      const global = ["a", "b", "c", "d"].map((name) => formatRecord(`SCHILY.xattr.user.${name}`, value)).join("");
      const parts = [rawExtension("g", global)];
      for (let n = 0; n < 2000; n++) parts.push(rawBlock({ name: `f${n}` }));
      const tar = concat(...parts, END_OF_TAR);
      const diffId = digestOfHex(await sha256Hex(tar, "native"));
      await assert.rejects(store.ingest(streamOf(tar), { diffId }), { code: "layer_too_large" });
    });
  },
);

Deno.test("the probe reports whether EROFS works here, and leaves nothing behind", requires("root"), async () => {
  const root = await Deno.makeTempDir({ prefix: "tsd-probe-" });
  try {
    const probed = await probeErofs(root);
    // Before Linux 6.12 it may not; the reason is then a single line.
    assert.ok("strategy" in probed || /^[^\n]+$/.test(probed.why), JSON.stringify(probed));
    assert.deepEqual([...Deno.readDirSync(`${root}/ingest`)], []);
    assert.ok(!(await Deno.readTextFile("/proc/self/mountinfo")).includes(root));
  } finally {
    await removeDir(root);
  }
});
