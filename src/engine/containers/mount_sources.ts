/** Directories and files of the host that are mounted in a container: they have to exist, or are created. */
import { TsdError } from "../../errors.ts";
import type { RequestedMount } from "../model/mounts.ts";

/** Refuses mounts whose source is missing and is not to be created (`--mount`). @throws {TsdError} invalid_argument */
export async function requireSources(requested: readonly RequestedMount[]): Promise<void> {
  for (const { mount, createSource } of requested) {
    if (mount.kind !== "bind" || createSource || await exists(mount.source)) continue;
    throw new TsdError(
      "invalid_argument",
      `invalid mount config for type "bind": bind source path does not exist: ${mount.source}`,
    );
  }
}

/** Creates missing source directories (`-v`); the others have to exist. @throws {TsdError} invalid_argument */
export async function prepareSources(requested: readonly RequestedMount[]): Promise<void> {
  await requireSources(requested);
  for (const { mount } of requested) {
    if (mount.kind !== "bind" || await exists(mount.source)) continue;
    try {
      await Deno.mkdir(mount.source, { recursive: true, mode: 0o755 });
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      const what = `error while creating mount source path '${mount.source}'`;
      throw new TsdError("invalid_argument", `${what}: ${why}`, { cause });
    }
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound || thrown instanceof Deno.errors.NotADirectory) return false;
    throw thrown;
  }
}
