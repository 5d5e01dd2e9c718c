import "../../src/sys/preopen.ts";
import { removeFolder } from "../../src/store/directory_driver/clearing.ts";

/** The folder for what is costly to make once and the same each time (TSD_TEST_CACHE, else /var/cache/tsd-tests). */

export function testCacheFolder(): string {
  return Deno.env.get("TSD_TEST_CACHE") ?? "/var/cache/tsd-tests";
}

/**
 * The folder `name` in the cache. When it is missing, `make` fills an empty folder beside it, which is then renamed:
 * what has the name is complete. Two processes at once make it once.
 */
export async function cached(name: string, make: (folder: string) => Promise<void>): Promise<string> {
  const cache = testCacheFolder();
  await Deno.mkdir(cache, { recursive: true });
  using lock = await Deno.open(`${cache}/${name}.lock`, { create: true, write: true });
  await lock.lock(true);
  const folder = `${cache}/${name}`;
  if (await exists(folder)) return folder;
  const making = `${folder}.making`;
  await removeTree(making);
  await Deno.mkdir(making);
  try {
    await make(making);
    await Deno.rename(making, folder);
  } finally {
    await removeTree(making);
  }
  return folder;
}

/** Removes a folder, also one with layers in it that are sealed or subvolumes; a missing one is fine. */
export async function removeTree(folder: string): Promise<void> {
  if (await exists(folder)) await removeFolder(folder, Infinity);
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
