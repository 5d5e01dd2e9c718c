/**
 * @module
 * Durable files: after a power cut, a file is complete or absent. Files are written under a temporary name, synced and
 * renamed, and their directory is synced. Only syncs and long writes leave the caller's thread: a hop to another thread
 * takes longer than creating a directory or writing a few lines.
 */
import { firstThrown, TsdError } from "../errors.ts";

const SHORT_BYTES = 64 << 10;

/**
 * Makes changes to a directory's entries (creations, renames, removals) durable.
 * @throws {TsdError} storage, storage_full
 */
export async function syncDir(path: string): Promise<void> {
  try {
    using dir = Deno.openSync(path, { read: true });
    await dir.sync();
  } catch (error) {
    throw storageError(`Cannot sync folder ${path}`, error);
  }
}

/**
 * Creates a directory and its missing parents durably: files in a directory are only as durable as its own entry. Syncs
 * nothing if the directory exists.
 * @throws {TsdError} storage, storage_full
 */
export async function makeDirDurably(path: string, mode: number): Promise<void> {
  const parent = path.slice(0, path.lastIndexOf("/")) || "/";
  try {
    Deno.mkdirSync(path, { mode });
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) return;
    if (!(error instanceof Deno.errors.NotFound) || parent === path) {
      throw storageError(`Cannot make folder ${path}`, error);
    }
    await makeDirDurably(parent, mode);
    return await makeDirDurably(path, mode);
  }
  await syncDir(parent);
}

/**
 * Replaces `path` by a file with these bytes, atomically: a reader, also after a power cut, sees the old file or the
 * new one. The directory must exist; a failure leaves no temporary file in it.
 * @throws {TsdError} storage, storage_full
 */
export async function writeFileDurably(
  path: string,
  bytes: Uint8Array,
  options: { mode?: number } = {},
): Promise<void> {
  const temporary = `${path}.${crypto.randomUUID()}.part`;
  try {
    await writeSynced(temporary, bytes, options.mode ?? 0o644);
    await Deno.rename(temporary, path);
  } catch (error) {
    await removeIfExists(temporary);
    throw storageError(`Cannot write ${path}`, error);
  }
  await syncDir(path.slice(0, path.lastIndexOf("/") + 1) || ".");
}

/** Creates a file with durable content; its name becomes durable when the directory is synced. */
export async function writeSynced(path: string, bytes: Uint8Array, mode = 0o644): Promise<void> {
  using file = Deno.openSync(path, { write: true, createNew: true, mode });
  const isShort = bytes.length <= SHORT_BYTES;
  for (let at = 0; at < bytes.length;) {
    const rest = bytes.subarray(at);
    at += isShort ? file.writeSync(rest) : await file.write(rest);
  }
  await file.sync();
}

async function removeIfExists(path: string): Promise<void> {
  try {
    await Deno.remove(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw storageError(`Cannot remove ${path}`, error);
  }
}

/**
 * Wraps a file-system error in a {@link TsdError} storage, or storage_full for a full disk or quota.
 * @param attempt what was attempted: `Cannot write …`
 */
export function storageError(attempt: string, failure: unknown): TsdError {
  const error = firstThrown(failure);
  if (error instanceof TsdError) return error;
  const errno = (error as { code?: string }).code;
  const full = errno === "ENOSPC" || errno === "EDQUOT";
  const why = error instanceof Error ? error.message : String(error);
  return new TsdError(full ? "storage_full" : "storage", `${attempt}: ${why}`, { cause: error });
}
