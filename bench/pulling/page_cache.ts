/** The kernel's cache of files: written out, and emptied. */
import { perform } from "../measuring/exec.ts";

const DROP_CACHES = "/proc/sys/vm/drop_caches";
/** Pages, directory entries and inodes (proc(5)). */
const ALL = "3";

/** Returns when everything that was written is on disk. */
export async function sync(): Promise<void> {
  await perform({ program: "sync", args: [], env: { PATH: "/usr/bin:/bin" } });
}

/** Forgets what isn't in use. */
export async function dropCaches(): Promise<void> {
  await Deno.writeTextFile(DROP_CACHES, ALL);
}

/** Why the caches can't be emptied here; undefined if they can. */
export async function whyNoDropping(): Promise<string | undefined> {
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
