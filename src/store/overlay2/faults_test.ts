/** Layers under faults: killed processes, full disks, failing system calls. */
import { strict as assert } from "node:assert";
import { requires } from "../../../tests/requires.ts";
import { sha256Hex } from "../../hash/mod.ts";
import { type Digest, digestOfHex } from "../../image/digest.ts";
import { streamOf } from "../../io/mod.ts";
import { watchDescriptors } from "../../sys/descriptor_watch_testing.ts";
import { MNT, mounts, SysError } from "../../sys/mod.ts";
import { END_OF_TAR } from "../../tar/mod.ts";
import { concat, octal, rawBlock, rawFile } from "../../tar/tar_testing.ts";
import { Overlay2LayerStore } from "./layer_store.ts";
import { OverlaySnapshotter } from "../overlay/snapshotter.ts";
import { LAYER_CALLS, type LayerCalls } from "./tree_calls.ts";
import { namesIn, StagingDir, sweepIngest } from "../directory_driver/staging_dir.ts";

const root = requires("root");

async function inTempDir(body: (dir: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "tsd-faults-" });
  try {
    await body(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

async function digestOf(bytes: Uint8Array): Promise<Digest> {
  return digestOfHex(await sha256Hex(bytes, "native"));
}

const SMALL = concat(rawFile("d/f", "content"), rawFile("g", "more"), END_OF_TAR);

Deno.test("a killed ingest leaves nothing visible, and a sweep removes its staging directory", root, async () => {
  await inTempDir(async (dir) => {
    // Unpacks files endlessly, and reports when it has started.
    const script = `
      import { Overlay2LayerStore } from ${JSON.stringify(import.meta.resolve("./layer_store.ts"))};
      import { rawFile } from ${JSON.stringify(import.meta.resolve("../../tar/tar_testing.ts"))};
      let count = 0;
      const endless = new ReadableStream({
        async pull(controller) {
          controller.enqueue(rawFile("d" + count % 7 + "/f" + count, "x".repeat(3000)));
          if (++count === 200) console.log("unpacking");
          await new Promise((resolve) => setTimeout(resolve));
        },
      });
      await new Overlay2LayerStore({ root: Deno.args[0] }).ingest(endless, { diffId: "sha256:" + "0".repeat(64) });
    `;
    await Deno.writeTextFile(`${dir}/ingest.ts`, script);
    const config = new URL("../../../deno.json", import.meta.url).pathname;
    const args = ["run", "-A", "--no-lock", "--config", config, `${dir}/ingest.ts`, dir];
    const child = new Deno.Command(Deno.execPath(), { args, stdout: "piped", stderr: "inherit" }).spawn();
    const output = child.stdout.getReader();
    await output.read();
    assert.equal(await sweepIngest(dir), 0, "a sweep must not touch a staging directory in use");
    child.kill("SIGKILL");
    await child.status;
    await output.cancel();
    const store = new Overlay2LayerStore({ root: dir });
    assert.deepEqual(await store.list(), []);
    assert.equal((await namesIn(`${dir}/ingest`)).length, 1);
    assert.equal(await sweepIngest(dir), 1);
    assert.deepEqual(await namesIn(`${dir}/ingest`), []);
    const diffId = await digestOf(SMALL);
    await store.ingest(streamOf(SMALL), { diffId });
    await store.verify(diffId);
  });
});

Deno.test("a sweep leaves staging directories that are in use, and accepts an empty root", root, async () => {
  await inTempDir(async (dir) => {
    assert.equal(await sweepIngest(dir), 0);
    {
      await using stagingDir = await StagingDir.create(dir);
      await Deno.writeTextFile(`${stagingDir.path}/work`, "");
      await Deno.mkdir(`${dir}/ingest/abandoned/deep`, { recursive: true });
      assert.equal(await sweepIngest(dir), 1);
      assert.equal(await Deno.readTextFile(`${stagingDir.path}/work`), "");
    }
    assert.deepEqual(await namesIn(`${dir}/ingest`), []);
  });
});

Deno.test(
  "a full disk gives a clear error, leaves nothing, and an ingest succeeds once there is space",
  root,
  async () => {
    await inTempDir(async (dir) => {
      mounts.mount({ source: "tmpfs", target: dir, type: "tmpfs", data: "size=4m" });
      try {
        const store = new Overlay2LayerStore({ root: dir });
        const large = concat(rawFile("a", "x".repeat(2 << 20)), rawFile("b", "y".repeat(4 << 20)), END_OF_TAR);
        await assert.rejects(store.ingest(streamOf(large), { diffId: await digestOf(large) }), {
          code: "storage_full",
          message: /^Cannot store layer sha256:[0-9a-f]{64}: write .*No space left on device/,
        });
        assert.deepEqual([await store.list(), await namesIn(`${dir}/ingest`)], [[], []]);
        const diffId = await digestOf(SMALL);
        await store.ingest(streamOf(SMALL), { diffId });
        await store.verify(diffId);
      } finally {
        mounts.umount2(dir, MNT.DETACH);
      }
    });
  },
);

Deno.test("a disk without free inodes is reported as full", root, async () => {
  await inTempDir(async (dir) => {
    mounts.mount({ source: "tmpfs", target: dir, type: "tmpfs", data: "nr_inodes=40" });
    try {
      const store = new Overlay2LayerStore({ root: dir });
      const many = concat(...Array.from({ length: 50 }, (_, i) => rawBlock({ name: `f${i}` })), END_OF_TAR);
      await assert.rejects(store.ingest(streamOf(many), { diffId: await digestOf(many) }), { code: "storage_full" });
      assert.deepEqual(await namesIn(`${dir}/ingest`), []);
      const snapshotter = new OverlaySnapshotter({ root: dir, layers: store });
      for (let i = 0; i < 33; i++) await Deno.mkdir(`${dir}/${i}`);
      await assert.rejects(snapshotter.prepare([], "ab".repeat(32)), { code: "storage_full" });
      assert.deepEqual([await snapshotter.list(), await namesIn(`${dir}/ingest`)], [[], []]);
    } finally {
      mounts.umount2(dir, MNT.DETACH);
    }
  });
});

/** Every system call of an ingest that can fail. */
const REFUSED: (keyof LayerCalls)[] = [
  ...["openat2", "openat", "mkdirat", "write", "fchown", "fchmod", "futimens", "symlinkat", "fchownat"] as const,
  ...["utimensat", "linkat", "mknodat", "renameat2", "unlinkat", "fsetxattr", "syncfs"] as const,
];

const EVERY_KIND = concat(
  rawFile("d/f", "content"),
  rawBlock({ name: "s", flag: "2", linkName: "t" }),
  rawBlock({ name: "l", flag: "1", linkName: "d/f" }),
  rawBlock({ name: "c", flag: "3", devMajor: "0000001\0", devMinor: "0000003\0" }),
  rawFile("d/f", "again"),
  rawFile("s", "no link"),
  rawFile("d/.wh..wh..opq", ""),
  END_OF_TAR,
);

Deno.test("a failing system call gives a storage error, leaves nothing, and leaks no descriptor", root, async () => {
  await inTempDir(async (dir) => {
    const diffId = await digestOf(EVERY_KIND);
    const workingStore = new Overlay2LayerStore({ root: dir });
    await workingStore.ingest(streamOf(EVERY_KIND), { diffId });
    await workingStore.remove(diffId);
    await workingStore.waitForRemovals();
    const noneAdded = watchDescriptors();
    for (const name of REFUSED) {
      const calls = { ...LAYER_CALLS, [name]: () => refuse(name) } as LayerCalls;
      const store = new Overlay2LayerStore({ root: dir, calls });
      await assert.rejects(
        store.ingest(streamOf(EVERY_KIND), { diffId }),
        { code: "storage", message: new RegExp(`^Cannot store layer .*${name}.*EIO`) },
      );
      assert.deepEqual([await store.list(), await namesIn(`${dir}/ingest`)], [[], []], name);
      await noneAdded();
    }
  });
});

function refuse(name: string): never {
  throw SysError.named(name, "EIO");
}

Deno.test("an ingest yields to the event loop", root, async () => {
  await inTempDir(async (dir) => {
    const many = concat(
      ...Array.from({ length: 20_000 }, (_, i) => rawBlock({ name: `d${i % 100}/${i}` })),
      END_OF_TAR,
    );
    let longestMs = 0;
    let lastMs = performance.now();
    const timer = setInterval(() => {
      longestMs = Math.max(longestMs, performance.now() - lastMs);
      lastMs = performance.now();
    }, 1);
    // Always has data: without yields nothing else would run until the end.
    let at = 0;
    let unpackedMs = 0;
    const startedMs = performance.now();
    const ready = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (at < many.length) return controller.enqueue(many.slice(at, at += 65_536));
        controller.close();
        // Only one long call to sync the disk follows.
        clearInterval(timer);
        unpackedMs = performance.now() - startedMs;
      },
    });
    await new Overlay2LayerStore({ root: dir }).ingest(ready, { diffId: await digestOf(many) });
    assert.ok(longestMs > 0 && longestMs < unpackedMs / 2, `${longestMs} of ${unpackedMs} ms without a turn`);
  });
});

Deno.test("a layer without its info.json is replaced by the next ingest", root, async () => {
  await inTempDir(async (dir) => {
    const store = new Overlay2LayerStore({ root: dir });
    const diffId = await digestOf(SMALL);
    await store.ingest(streamOf(SMALL), { diffId });
    await Deno.writeTextFile(`${dir}/layers/${diffId.slice(7)}/info.json`, "{ broken");
    assert.equal(await store.info(diffId), undefined);
    await store.ingest(streamOf(SMALL), { diffId });
    await store.verify(diffId);
  });
});

Deno.test("a layer with the longest path that Linux supports can be stored and removed", root, async () => {
  await inTempDir(async (dir) => {
    const store = new Overlay2LayerStore({ root: dir });
    const name = "d/".repeat(2046) + "f";
    const deep = concat(
      rawBlock({ name: "long", flag: "L", size: octal(name.length), magic: "ustar  \0" }),
      concat(new TextEncoder().encode(name), new Uint8Array(3)),
      rawFile("f", "deep"),
      END_OF_TAR,
    );
    const diffId = await digestOf(deep);
    await store.ingest(streamOf(deep), { diffId });
    await store.verify(diffId);
    await store.remove(diffId);
    await store.waitForRemovals();
    assert.deepEqual(await namesIn(`${dir}/ingest`), []);
  });
});

Deno.test("a snapshot without its layer, or with a damaged layers.json, gives a clear error", root, async () => {
  await inTempDir(async (dir) => {
    const store = new Overlay2LayerStore({ root: dir });
    const snapshotter = new OverlaySnapshotter({ root: dir, layers: store });
    const diffId = await digestOf(SMALL);
    await store.ingest(streamOf(SMALL), { diffId });
    const id = "ab".repeat(32);
    await snapshotter.prepare([diffId], id);
    await store.remove(diffId);
    await store.waitForRemovals();
    await assert.rejects(snapshotter.mount(id), { code: "storage", message: /layer is missing.*sha256/ });
    for (const text of ["", "null", '{"layers":["x"]}']) {
      await Deno.writeTextFile(`${dir}/snapshots/${id}/layers.json`, text);
      await assert.rejects(snapshotter.mount(id), { code: "storage", message: /damaged/ });
    }
  });
});
