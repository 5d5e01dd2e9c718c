/**
 * For tests only: simulates a power cut with ext4 or btrfs in an image file. A copy of that file, taken without any
 * sync, holds what a disk would hold.
 */
import { strict as assert } from "node:assert";
import { sha256Hex } from "../../hash/mod.ts";
import { type Digest, digestOfHex } from "../../image/digest.ts";
import { streamOf } from "../../io/mod.ts";
import { END_OF_TAR } from "../../tar/mod.ts";
import { concat, rawFile } from "../../tar/tar_testing.ts";
import { OverlaySnapshotter } from "../overlay/snapshotter.ts";
import type { LayerStore } from "../driver.ts";
import type { DirTools } from "./all_features_layer.ts";

const ID = "ab".repeat(32);

type Run = DirTools["run"];

/** Runs `work` on a disk, cuts the power, then runs `check` on the state that remains. */
export async function throughPowerCut(
  runCommand: Run,
  work: (root: string) => Promise<void>,
  check: (root: string) => Promise<void>,
  fileSystem: "ext4" | "btrfs" = "ext4",
): Promise<void> {
  const run = async (command: string, ...args: string[]) => {
    const { code, stderr } = await runCommand(command, args);
    assert.equal(code, 0, `${command} ${args.join(" ")}: ${stderr}`);
  };
  const dir = await Deno.makeTempDir({ prefix: "tsd-power-" });
  await using undo = new AsyncDisposableStack();
  undo.defer(() => Deno.remove(dir, { recursive: true }));
  await run("truncate", "-s", "128M", `${dir}/disk`);
  await run(`mkfs.${fileSystem}`, "-q", `${dir}/disk`);
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
  await check(`${dir}/mnt`);
}

/** A layer of a few hundred files. */
export async function layerForPowerCut(): Promise<{ tar: Uint8Array<ArrayBuffer>; diffId: Digest }> {
  const files = Array.from({ length: 300 }, (_, i) => rawFile(`d${i % 7}/f${i}`, `${i}`.repeat(i * 10)));
  const tar = concat(...files, END_OF_TAR);
  return { tar, diffId: digestOfHex(await sha256Hex(tar, "native")) };
}

/** Asserts that a layer and a snapshot survive a power cut completely, once they were reported as stored. */
export async function assertSurvivesPowerCut(
  run: Run,
  create: (root: string) => LayerStore & Partial<Disposable>,
  fileSystem?: "btrfs",
): Promise<void> {
  const { tar, diffId } = await layerForPowerCut();
  await throughPowerCut(run, async (root) => {
    const store = create(root);
    await store.ingest(streamOf(tar), { diffId });
    await new OverlaySnapshotter({ root, layers: store }).prepare([diffId], ID);
    store[Symbol.dispose]?.();
  }, async (root) => {
    const store = create(root);
    assert.deepEqual(await store.list(), [diffId]);
    await store.verify(diffId);
    const snapshotter = new OverlaySnapshotter({ root, layers: store });
    assert.deepEqual(await snapshotter.list(), [ID]);
    const mount = await snapshotter.mount(ID);
    assert.equal(await Deno.readTextFile(`${mount.root}/d1/f8`), "8".repeat(80));
    await snapshotter.remove(ID);
    store[Symbol.dispose]?.();
  }, fileSystem);
}
