import { strict as assert } from "node:assert";
import { diffTrees, listTree, runCommand } from "../../../tests/harness/mod.ts";
import { requires } from "../../../tests/requires.ts";
import { testSnapshotter } from "../testsuite/snapshotter_suite.ts";
import { Overlay2LayerStore } from "../overlay2/layer_store.ts";
import { type MountApi, OVERLAY_CALLS, type OverlayCalls } from "./overlay_mount.ts";
import { OverlaySnapshotter } from "./snapshotter.ts";
import { namesIn } from "../directory_driver/staging_dir.ts";

for (const api of ["fsconfig", "mount"] as const satisfies MountApi[]) {
  testSnapshotter({
    name: `OverlaySnapshotter by ${api}`,
    create(root) {
      const layers = new Overlay2LayerStore({ root });
      return { layers, snapshotter: new OverlaySnapshotter({ root, layers, api }) };
    },
    leftovers: (root) => namesIn(`${root}/ingest`),
    dirs: { listTree, diffTrees, run: runCommand },
    options: requires("root", "overlay"),
  });
}

const real = requires("root", "overlay");

async function inTempDir(body: (dir: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "tsd-overlay-" });
  try {
    await body(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("OverlaySnapshotter probes how overlays can be mounted, and leaves no trace", real, async () => {
  await inTempDir(async (root) => {
    const snapshotter = new OverlaySnapshotter({ root, layers: new Overlay2LayerStore({ root }) });
    assert.ok(["fsconfig", "mount"].includes(await snapshotter.probe()));
    assert.deepEqual(await namesIn(`${root}/ingest`), []);
    assert.ok(!(await Deno.readTextFile("/proc/self/mountinfo")).includes(root));
  });
});

Deno.test("OverlaySnapshotter.usage fails with not_found if the snapshot is removed meanwhile", real, async () => {
  await inTempDir(async (root) => {
    const id = "ab".repeat(32);
    const path = `${root}/snapshots/${id}`;
    const open: OverlayCalls["open"] = (...args) => {
      Deno.renameSync(path, `${root}/gone`);
      return OVERLAY_CALLS.open(...args);
    };
    const layers = new Overlay2LayerStore({ root });
    await new OverlaySnapshotter({ root, layers }).prepare([], id);
    const snapshotter = new OverlaySnapshotter({ root, layers, calls: { ...OVERLAY_CALLS, open } });
    await assert.rejects(snapshotter.usage(id), { code: "not_found" });
  });
});

Deno.test("OverlaySnapshotter reports why it can't work on an overlay", real, async () => {
  await inTempDir(async (dir) => {
    const outer = new OverlaySnapshotter({ root: dir, layers: new Overlay2LayerStore({ root: dir }) });
    const id = "ab".repeat(32);
    await outer.prepare([], id);
    const { root } = await outer.mount(id);
    try {
      const inner = new OverlaySnapshotter({ root, layers: new Overlay2LayerStore({ root }) });
      await assert.rejects(inner.probe(), { code: "storage", message: /lies on an overlay itself.*--data-root/ });
      assert.deepEqual(await namesIn(`${root}/ingest`), []);
    } finally {
      await outer.remove(id);
    }
  });
});
