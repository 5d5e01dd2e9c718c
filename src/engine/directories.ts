/** Folders that may or may not be there. */
import { dirname } from "node:path";
import { containerPaths, type EnginePaths } from "./paths.ts";

/**
 * Makes a container's run folder. Those above it were made by the engine's start; another program may have removed them.
 * @throws {Error} of the file system
 */
export function makeBundle(paths: EnginePaths, containerId: string): void {
  const { bundle } = containerPaths(paths, containerId);
  Deno.mkdirSync(dirname(bundle), { recursive: true, mode: 0o710 });
  Deno.mkdirSync(bundle, { recursive: true, mode: 0o711 });
}

/** Removes a folder with all that is in it; a missing one is fine. */
export async function removeTree(path: string): Promise<void> {
  try {
    await Deno.remove(path, { recursive: true });
  } catch (thrown) {
    if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
  }
}

/** Names of the folders in one; none when it is missing. */
export async function dirsIn(path: string): Promise<string[]> {
  try {
    return (await Array.fromAsync(Deno.readDir(path))).filter((each) => each.isDirectory).map(({ name }) => name);
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return [];
    throw thrown;
  }
}

/** Names in a folder; none when it is missing. */
export async function namesIn(path: string): Promise<string[]> {
  try {
    return (await Array.fromAsync(Deno.readDir(path))).map(({ name }) => name);
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return [];
    throw thrown;
  }
}
