import "../../src/sys/preopen_testing.ts";
import { removeDir } from "../../src/store/directory_driver/clearing.ts";

/** The directory for costly, reproducible artifacts (TSD_TEST_CACHE, else /var/cache/tsd-tests). */

export function testCacheDir(): string {
  return Deno.env.get("TSD_TEST_CACHE") ?? "/var/cache/tsd-tests";
}

/**
 * Returns the directory `name` of the cache. If it is missing, `make` fills an empty directory beside it, which is then
 * renamed: what has the name is complete. Concurrent processes build it once.
 */
export async function cached(name: string, make: (dir: string) => Promise<void>): Promise<string> {
  const cache = testCacheDir();
  await Deno.mkdir(cache, { recursive: true });
  using lock = await Deno.open(`${cache}/${name}.lock`, { create: true, write: true });
  await lock.lock(true);
  const dir = `${cache}/${name}`;
  if (await exists(dir)) return dir;
  const making = `${dir}.making`;
  await removeTree(making);
  await Deno.mkdir(making);
  try {
    await make(making);
    await Deno.rename(making, dir);
  } finally {
    await removeTree(making);
  }
  return dir;
}

/** Removes a directory, including immutable layers and subvolumes in it; does nothing if it is missing. */
export async function removeTree(dir: string): Promise<void> {
  if (await exists(dir)) await removeDir(dir, Infinity);
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
