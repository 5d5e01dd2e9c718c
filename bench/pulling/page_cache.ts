/** Syncs and drops the kernel's page cache. */
import { exec } from "../measuring/exec.ts";

const DROP_CACHES = "/proc/sys/vm/drop_caches";
/** Pages, directory entries and inodes (proc(5)). */
const ALL = "3";

/** Writes all dirty pages of the machine to disk. */
export async function sync(): Promise<void> {
  await exec({ program: "sync", args: [], env: { PATH: "/usr/bin:/bin" } });
}

/** Drops clean cache entries that are not in use. Needs root. */
export async function dropCaches(): Promise<void> {
  await Deno.writeTextFile(DROP_CACHES, ALL);
}

/** Returns the reason why the caches can't be dropped; undefined if they can. */
export async function dropCachesError(): Promise<string | undefined> {
  try {
    await dropCaches();
    return undefined;
  } catch (error) {
    const isForbidden = [Deno.errors.NotFound, Deno.errors.PermissionDenied, Deno.errors.NotCapable].some((type) =>
      error instanceof type
    );
    const isReadOnly = error instanceof Error && "code" in error && error.code === "EROFS";
    if (!isForbidden && !isReadOnly) throw error;
    return (error as Error).message;
  }
}
