/**
 * @module
 * Whether the machine has booted since an engine of a run folder was last there: then nothing of what ran is left, and
 * restart policies begin anew.
 */
const BOOT_ID = "/proc/sys/kernel/random/boot_id";

/**
 * True for the first caller after a boot, and for the first of a new run folder; false for the ones after it.
 * @param runDir exists; on most machines it is itself gone after a boot, on some it isn't
 */
export async function isFirstSinceBoot(
  runDir: string,
  bootId: () => Promise<string> = () => Deno.readTextFile(BOOT_ID),
): Promise<boolean> {
  const marker = `${runDir}/boot-id`;
  const now = (await bootId()).trim();
  if (await read(marker) === now) return false;
  await Deno.writeTextFile(marker, `${now}\n`, { mode: 0o600 });
  return true;
}

async function read(path: string): Promise<string | undefined> {
  try {
    return (await Deno.readTextFile(path)).trim();
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return undefined;
    throw thrown;
  }
}
