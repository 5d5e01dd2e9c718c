/**
 * A power cut, as far as it can be had: ext4 in a file, and a copy of that file without any sync. The copy holds what a
 * disk would hold.
 */
import { strict as assert } from "node:assert";
import { runCommand } from "../../../tests/harness/mod.ts";
import { requires } from "../../../tests/requires.ts";
import { isTsdError } from "../../errors.ts";
import { sha256Hex } from "../../hash/mod.ts";
import { type Digest, digestOfHex } from "../../image/digest.ts";
import { streamOf } from "../../io/mod.ts";
import { END_OF_TAR } from "../../tar/mod.ts";
import { concat, rawFile } from "../../tar/testing.ts";
import { Overlay2LayerStore } from "./layer_store.ts";
import { OverlaySnapshotter } from "../overlay/snapshotter.ts";
import { LAYER_CALLS, type LayerCalls } from "./tree_calls.ts";

const ID = "ab".repeat(32);

async function run(command: string, ...args: string[]): Promise<void> {
  const { code, stderr } = await runCommand(command, args);
  assert.equal(code, 0, `${command} ${args.join(" ")}: ${stderr}`);
}

/** Works on a disk until the power goes, then looks at what is left of it. */
async function throughPowerCut(
  work: (root: string) => Promise<void>,
  look: (root: string) => Promise<void>,
): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "tsd-power-" });
  await using undo = new AsyncDisposableStack();
  undo.defer(() => Deno.remove(dir, { recursive: true }));
  await run("truncate", "-s", "64M", `${dir}/disk`);
  await run("mkfs.ext4", "-q", `${dir}/disk`);
  await Deno.mkdir(`${dir}/mnt`);
  await run("mount", "-o", "loop", `${dir}/disk`, `${dir}/mnt`);
  {
    await using mounted = new AsyncDisposableStack();
    mounted.defer(() => run("umount", `${dir}/mnt`));
    await work(`${dir}/mnt`);
    await Deno.copyFile(`${dir}/disk`, `${dir}/copy`);
  }
  await run("mount", "-o", "loop", `${dir}/copy`, `${dir}/mnt`);
  undo.defer(() => run("umount", `${dir}/mnt`));
  await look(`${dir}/mnt`);
}

async function layer(): Promise<{ tar: Uint8Array<ArrayBuffer>; diffId: Digest }> {
  const files = Array.from({ length: 300 }, (_, i) => rawFile(`d${i % 7}/f${i}`, `${i}`.repeat(i * 10)));
  const tar = concat(...files, END_OF_TAR);
  return { tar, diffId: digestOfHex(await sha256Hex(tar, "native")) };
}

Deno.test("a layer and a snapshot that were reported as there survive a power cut", requires("root"), async () => {
  const { tar, diffId } = await layer();
  await throughPowerCut(async (root) => {
    const store = new Overlay2LayerStore({ root });
    await store.ingest(streamOf(tar), { diffId });
    await new OverlaySnapshotter({ root, layers: store }).prepare([diffId], ID);
  }, async (root) => {
    const store = new Overlay2LayerStore({ root });
    assert.deepEqual(await store.list(), [diffId]);
    await store.verify(diffId);
    const snapshotter = new OverlaySnapshotter({ root, layers: store });
    assert.deepEqual(await snapshotter.list(), [ID]);
    const mount = await snapshotter.mount(ID);
    assert.equal(await Deno.readTextFile(`${mount.root}/d1/f8`), "8".repeat(80));
    await snapshotter.remove(ID);
  });
});

Deno.test("the test above would notice a missing sync", requires("root"), async () => {
  const { tar, diffId } = await layer();
  const calls: LayerCalls = { ...LAYER_CALLS, syncfs: () => {} };
  await throughPowerCut(async (root) => {
    await new Overlay2LayerStore({ root, calls }).ingest(streamOf(tar), { diffId });
  }, async (root) => {
    await assert.rejects(
      new Overlay2LayerStore({ root }).verify(diffId),
      (thrown) => isTsdError(thrown, "digest_mismatch", "not_found"),
    );
  });
});
