/** The root file system of a running container, as it is inside, for a comparison with what the image means. */
import type { EngineApi } from "./api.ts";
import { diffTrees } from "./tree_diff.ts";
import { listTree, type TreeEntry } from "./tree_listing.ts";

/** What the engine and runc put into every root; a folder stands for all that is in it. */
const RUNTIME_PATHS = ["dev", "proc", "sys", "etc/hostname", "etc/hosts", "etc/resolv.conf"];
/** Folders in which mount points may have been made. */
const TOUCHED_DIRS = [".", "etc"];

/** Lists the root of a running container. @throws Error when it isn't running */
export async function containerTree(api: EngineApi, container: string): Promise<TreeEntry[]> {
  const inspected = await api.get(`/containers/${container}/json`);
  const pid = inspected.json<{ State?: { Pid: number } }>().State?.Pid;
  if (!pid) throw new Error(`${container} isn't running: ${inspected.text().slice(0, 300)}`);
  return await listTree(`/proc/${pid}/root`);
}

/** What is different from the image, besides what every container gets; one line each. */
export function diffContainerTree(expected: readonly TreeEntry[], actual: readonly TreeEntry[]): string[] {
  return diffTrees(expected, actual, {
    ignore: (path) => RUNTIME_PATHS.some((own) => path === own || path.startsWith(`${own}/`)),
    ignoreMtime: (entry) => TOUCHED_DIRS.includes(entry.path),
  });
}
