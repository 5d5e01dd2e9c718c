/**
 * @module
 * Whether the machine has booted since an engine of a run folder was last there: then nothing of what ran is left, and
 * restart policies begin anew.
 */
const BOOT_ID = "/proc/sys/kernel/random/boot_id";

/** What a run directory says of the machine's boots. */
export interface BootMarker {
  /** Whether no engine of the run directory has come up since the machine booted. */
  readonly isFirst: boolean;
  /** To be called when an engine has come up: one that fails before leaves the answer to the next one. */
  record(): Promise<void>;
}

/** @param runDir exists; on most machines it is removed by a boot, on some it isn't */
export async function bootMarker(
  runDir: string,
  bootId: () => Promise<string> = () => Deno.readTextFile(BOOT_ID),
): Promise<BootMarker> {
  const path = `${runDir}/boot-id`;
  const now = (await bootId()).trim();
  const isFirst = await read(path) !== now;
  return {
    isFirst,
    record: async () => isFirst ? await Deno.writeTextFile(path, `${now}\n`, { mode: 0o600 }) : undefined,
  };
}

async function read(path: string): Promise<string | undefined> {
  try {
    return (await Deno.readTextFile(path)).trim();
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return undefined;
    throw thrown;
  }
}
