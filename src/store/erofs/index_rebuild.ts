/** Builds a layer's index: from the tree that an ingest has in memory, or from the tar alone. */
import { type Digest, hexOf } from "../../image/digest.ts";
import { syncDir } from "../../io/mod.ts";
import { TarDecoder } from "../../tar/mod.ts";
import { CooperativeYield } from "../directory_driver/cooperative_yield.ts";
import { StagingDir } from "../directory_driver/staging_dir.ts";
import { LayerTree } from "../layer_tree.ts";
import { writeIndex } from "./index_writer.ts";
import { INDEX_NAME, IndexFile, readChunks, TAR_NAME, TarFile } from "./layer_files.ts";
import type { Immutability } from "./immutability.ts";

/** The paths of a layer. */
export interface LayerPaths {
  readonly diffId: Digest;
  readonly dir: string;
  /** The driver's directory, for staging directories. */
  readonly root: string;
  readonly immutability: Pick<Immutability, "protect" | "unprotect">;
}

/** Writes an index durably to a new file. */
export async function createIndex(path: string, tree: LayerTree, diffId: Digest, tarPath: string): Promise<void> {
  using index = IndexFile.create(path);
  using tar = TarFile.open(tarPath);
  writeIndex(tree, tar, Uint8Array.fromHex(hexOf(diffId).slice(0, 32)), index);
  await index.sync();
}

/** Rebuilds a layer's index, even if it exists. @throws {TsdError} layer_invalid: the tar is damaged */
export async function rebuildIndex(layer: LayerPaths): Promise<void> {
  await withNewIndex(layer, (path) => replace(path, layer));
}

/** Replaces the index if it differs from what the (already verified) tar gives. Returns whether it was damaged. */
export async function repairIndex(layer: LayerPaths): Promise<boolean> {
  return await withNewIndex(layer, async (path) => {
    if (await areEqual(path, `${layer.dir}/${INDEX_NAME}`)) return false;
    await replace(path, layer);
    return true;
  });
}

async function replace(path: string, { dir, immutability }: LayerPaths): Promise<void> {
  const index = `${dir}/${INDEX_NAME}`;
  immutability.unprotect(index);
  await Deno.rename(path, index);
  immutability.protect(index);
  await syncDir(dir);
}

async function withNewIndex<T>({ root, dir, diffId }: LayerPaths, use: (path: string) => Promise<T>): Promise<T> {
  await using stagingDir = await StagingDir.create(root);
  const path = `${stagingDir.path}/${INDEX_NAME}`;
  await createIndex(path, await treeOf(`${dir}/${TAR_NAME}`), diffId, `${dir}/${TAR_NAME}`);
  return await use(path);
}

async function treeOf(tarPath: string): Promise<LayerTree> {
  const tree = new LayerTree();
  const decoder = new TarDecoder();
  const cooperativeYield = new CooperativeYield();
  for await (const bytes of readChunks(tarPath)) {
    decoder.feed(bytes);
    for (let item = decoder.next(); item !== undefined; item = decoder.next()) {
      if (!(item instanceof Uint8Array)) tree.add(item);
    }
    await cooperativeYield.yieldIfLong();
  }
  decoder.finish();
  return tree;
}

/** Returns false if the second file is missing. */
async function areEqual(path: string, other: string): Promise<boolean> {
  const missing = (thrown: unknown) => {
    if (thrown instanceof Deno.errors.NotFound) return undefined;
    throw thrown;
  };
  const [size, otherSize] = [(await Deno.stat(path)).size, (await Deno.stat(other).catch(missing))?.size];
  if (size !== otherSize) return false;
  await using otherBytes = readChunks(other);
  for await (const bytes of readChunks(path)) {
    const { value } = await otherBytes.next();
    if (value === undefined || value.length !== bytes.length || bytes.some((byte, i) => byte !== value[i])) {
      return false;
    }
  }
  return true;
}
