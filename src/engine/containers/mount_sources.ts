/** The host's folders and files that a container is to see: they have to be there, or are made. */
import { TsdError } from "../../errors.ts";
import type { RequestedMount } from "../model/mounts.ts";

/** Says which source is missing that is not to be made (`--mount`). @throws {TsdError} invalid_argument */
export async function requireSources(requested: readonly RequestedMount[]): Promise<void> {
  for (const { mount, createSource } of requested) {
    if (mount.kind !== "bind" || createSource || await exists(mount.source)) continue;
    throw new TsdError(
      "invalid_argument",
      `invalid mount config for type "bind": bind source path does not exist: ${mount.source}`,
    );
  }
}

/** Makes missing source folders (`-v`); the others have to be there. @throws {TsdError} invalid_argument */
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
