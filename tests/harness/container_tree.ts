/** The root file system of a running container as seen inside, to compare it with the image's content. */
import type { EngineApi } from "./api.ts";
import { diffTrees } from "./tree_diff.ts";
import { listTree, type TreeEntry } from "./tree_listing.ts";

/** What the engine and runc create in every root; a directory includes its content. */
const RUNTIME_PATHS = ["dev", "proc", "sys", "etc/hostname", "etc/hosts", "etc/resolv.conf"];
/** Directories in which mount points may have been created. */
const TOUCHED_DIRS = [".", "etc"];

/** Lists the root of a running container. @throws Error if it is not running */
export async function containerTree(api: EngineApi, container: string): Promise<TreeEntry[]> {
  const inspected = await api.get(`/containers/${container}/json`);
  const pid = inspected.json<{ State?: { Pid: number } }>().State?.Pid;
  if (!pid) throw new Error(`${container} isn't running: ${inspected.text().slice(0, 300)}`);
  return await listTree(`/proc/${pid}/root`);
}

/** Returns the differences from the image, except those that every container has; one line each. */
export function diffContainerTree(expected: readonly TreeEntry[], actual: readonly TreeEntry[]): string[] {
  return diffTrees(expected, actual, {
    ignore: (path) => RUNTIME_PATHS.some((own) => path === own || path.startsWith(`${own}/`)),
    ignoreMtime: (entry) => TOUCHED_DIRS.includes(entry.path),
  });
}
