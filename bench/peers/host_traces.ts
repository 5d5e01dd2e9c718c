/** Temporary directories for engines, and the cleanup of what engines create outside of them. */
import { join } from "node:path";
import { capture } from "../../scripts/project.ts";
import { removeTree } from "../../tests/images/test_cache.ts";

/** Limits the wait for an engine to release its directory. */
const REMOVAL_MS = 10_000;
const RETRY_MS = 200;

const CGROUP_ROOT = "/sys/fs/cgroup";

/** Creates a temporary directory; `undo` unmounts everything below it and removes it. */
export async function privateDir(name: string, undo: AsyncDisposableStack): Promise<string> {
  const dir = await Deno.realPath(await Deno.makeTempDir({ prefix: `tsd-bench-${name}-` }));
  undo.defer(() => removeDir(dir));
  return dir;
}

/** Removes a directory; tries again if it is busy, since podman's background cleanup may mount something again. */
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

/** Registers the removal of directories that an engine creates at fixed paths; those that exist already stay. */
export function removeNewDirs(paths: readonly string[], undo: AsyncDisposableStack): void {
  const absent = paths.filter((path) => !exists(path));
  undo.defer(async () => {
    for (const path of absent) await removeTree(path);
  });
}

/** Registers the removal of a cgroup and its descendants in every hierarchy where it doesn't exist yet. */
export async function removeNewCgroups(name: string, undo: AsyncDisposableStack): Promise<void> {
  const hierarchies = (await childDirs(CGROUP_ROOT)).map((each) => join(CGROUP_ROOT, each));
  const absent = [CGROUP_ROOT, ...hierarchies].map((each) => join(each, name)).filter((path) => !exists(path));
  undo.defer(async () => {
    for (const path of absent) await removeCgroup(path);
  });
}

/** Limits the wait for killed processes to leave a cgroup. */
const EXIT_TIMEOUT_MS = 5000;

/** Removes a cgroup and its descendants, bottom up; a recursive removal would fail on the control files. */
async function removeCgroup(path: string): Promise<void> {
  if (!exists(path)) return;
  for (const child of await childDirs(path)) await removeCgroup(join(path, child));
  for (const deadline = performance.now() + EXIT_TIMEOUT_MS;;) {
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
