/** A private folder for an engine, and what it leaves outside of it: gone when the benchmark ends. */
import { join } from "node:path";
import { capture } from "../../scripts/project.ts";
import { removeTree } from "../../tests/images/test_cache.ts";

/** For an engine to let go of its folder, in ms. */
const REMOVAL_MS = 10_000;
const RETRY_MS = 200;

const CGROUP_ROOT = "/sys/fs/cgroup";

/** A temporary folder; what is mounted below it is unmounted when it goes. */
export async function privateDir(name: string, undo: AsyncDisposableStack): Promise<string> {
  const dir = await Deno.realPath(await Deno.makeTempDir({ prefix: `tsd-bench-${name}-` }));
  undo.defer(() => removeDir(dir));
  return dir;
}

/** Clean-ups that podman starts in the background may mount something again: then it is tried again. */
async function removeDir(dir: string): Promise<void> {
  for (const deadline = Date.now() + REMOVAL_MS;;) {
    for (const point of (await mountPoints()).filter((each) => each.startsWith(`${dir}/`)).toReversed()) {
      await capture("umount", ["--lazy", point]);
    }
    try {
      return await removeTree(dir);
    } catch (error) {
      const isBusy = error instanceof Error && "code" in error && error.code === "EBUSY";
      if (!isBusy || Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}

/**
 * Folders that an engine makes at fixed places. Those that are not there now are removed at the end; those that are there
 * belong to somebody else and stay as they are.
 */
export function removeNewDirs(paths: readonly string[], undo: AsyncDisposableStack): void {
  const absent = paths.filter((path) => !exists(path));
  undo.defer(async () => {
    for (const path of absent) await removeTree(path);
  });
}

/** The same for a cgroup and all below it, in every hierarchy. */
export async function removeNewCgroups(name: string, undo: AsyncDisposableStack): Promise<void> {
  const hierarchies = (await childDirs(CGROUP_ROOT)).map((each) => join(CGROUP_ROOT, each));
  const absent = [CGROUP_ROOT, ...hierarchies].map((each) => join(each, name)).filter((path) => !exists(path));
  undo.defer(async () => {
    for (const path of absent) await removeCgroup(path);
  });
}

/** How long processes that were just killed may be in a cgroup, in ms. */
const DYING_MS = 5000;

/** Cgroups are removed folder by folder; their files can't be. */
async function removeCgroup(path: string): Promise<void> {
  if (!exists(path)) return;
  for (const child of await childDirs(path)) await removeCgroup(join(path, child));
  for (const deadline = performance.now() + DYING_MS;;) {
    try {
      return await Deno.remove(path);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return; // hierarchies that are mounted twice
      if ((error as { code?: string }).code !== "EBUSY" || performance.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

async function childDirs(path: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(path))).filter((entry) => entry.isDirectory).map((entry) => entry.name);
}

async function mountPoints(): Promise<string[]> {
  const table = await Deno.readTextFile("/proc/self/mounts");
  return table.split("\n").filter((line) => line !== "").map((line) => line.split(" ")[1]!);
}

function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
