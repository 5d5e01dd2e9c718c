/** Making the index of a layer: from the tree that is there after an ingest, or again from the tar alone. */
import { syncDir } from "../../io/mod.ts";
import { TarDecoder } from "../../tar/mod.ts";
import { LayerTree } from "../layer_tree.ts";
import { Turn } from "../layer_folders/turn.ts";
import { writeIndex } from "./index_writer.ts";
import { INDEX_NAME, IndexFile, readWhole, TAR_NAME, TarFile } from "./layer_files.ts";

/** Writes an index durably into a new file. */
export async function createIndex(path: string, tree: LayerTree, tarPath: string): Promise<void> {
  using index = IndexFile.create(path);
  using tar = TarFile.open(tarPath);
  writeIndex(tree, tar, index);
  await index.sync();
}

/** Makes a layer's index again, whatever is there. @throws {TsdError} layer_invalid: the tar is damaged */
export async function makeIndex(folder: string): Promise<void> {
  await withNewIndex(folder, async (path) => {
    await Deno.rename(path, `${folder}/${INDEX_NAME}`);
    await syncDir(folder);
  });
}

/** Makes it again where it isn't what the tar, which was found good, gives. */
export async function repairIndex(folder: string): Promise<void> {
  await withNewIndex(folder, async (path) => {
    if (await areEqual(path, `${folder}/${INDEX_NAME}`)) return;
    await Deno.rename(path, `${folder}/${INDEX_NAME}`);
    await syncDir(folder);
  });
}

async function withNewIndex(folder: string, use: (path: string) => Promise<void>): Promise<void> {
  const path = `${folder}/${INDEX_NAME}.${crypto.randomUUID()}`;
  try {
    await createIndex(path, await treeOf(`${folder}/${TAR_NAME}`), `${folder}/${TAR_NAME}`);
    await use(path);
  } finally {
    await Deno.remove(path).catch((thrown) => {
      if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
    });
  }
}

async function treeOf(tarPath: string): Promise<LayerTree> {
  const tree = new LayerTree();
  const decoder = new TarDecoder();
  const turn = new Turn();
  for await (const bytes of readWhole(tarPath)) {
    decoder.feed(bytes);
    for (let item = decoder.next(); item !== undefined; item = decoder.next()) {
      if (!(item instanceof Uint8Array)) tree.add(item);
    }
    await turn.yieldIfLong();
  }
  decoder.finish();
  return tree;
}

/** False also where the second is missing. */
async function areEqual(path: string, other: string): Promise<boolean> {
  const missing = (thrown: unknown) => {
    if (thrown instanceof Deno.errors.NotFound) return undefined;
    throw thrown;
  };
  const [size, otherSize] = [(await Deno.stat(path)).size, (await Deno.stat(other).catch(missing))?.size];
  if (size !== otherSize) return false;
  await using theirs = readWhole(other);
  for await (const bytes of readWhole(path)) {
    const { value } = await theirs.next();
    if (value === undefined || value.length !== bytes.length || bytes.some((byte, i) => byte !== value[i])) {
      return false;
    }
  }
  return true;
}
