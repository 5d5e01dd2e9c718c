/**
 * @module
 * Files that are whole or absent after a power cut: written aside, synced, renamed, and the folder synced. Only syncing and
 * long writes leave the caller's thread: a hop to another one takes longer than making a folder or writing a few lines.
 */
import { firstThrown, TsdError } from "../errors.ts";

const SHORT_BYTES = 64 << 10;

/** Makes a folder's own entries (creations, renames, removals) durable. @throws {TsdError} storage, storage_full */
export async function syncDir(path: string): Promise<void> {
  try {
    using dir = Deno.openSync(path, { read: true });
    await dir.sync();
  } catch (error) {
    throw storageError(`Cannot sync folder ${path}`, error);
  }
}

/**
 * Makes a folder, and those above it that are missing, so that their names last: what is durable in a folder is of no use
 * without it. Where nothing is missing nothing is synced.
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
 * Replaces `path` by a file with these bytes; a reader, or the next start after a power cut, sees the old file or the
 * new one. The folder must exist; nothing is left in it on failure.
 * @throws {TsdError} storage, storage_full
 */
export async function writeFileDurably(
  path: string,
  bytes: Uint8Array,
  options: { mode?: number } = {},
): Promise<void> {
  const aside = `${path}.${crypto.randomUUID()}.part`;
  try {
    await writeSynced(aside, bytes, options.mode ?? 0o644);
    await Deno.rename(aside, path);
  } catch (error) {
    await removeIfExists(aside);
    throw storageError(`Cannot write ${path}`, error);
  }
  await syncDir(path.slice(0, path.lastIndexOf("/") + 1) || ".");
}

/** Makes a file whose bytes are durable; its name is when the folder is synced. */
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

/** What the file system refused, as one line; a full disk has a code of its own. */
export function storageError(attempt: string, failure: unknown): TsdError {
  const error = firstThrown(failure);
  if (error instanceof TsdError) return error;
  const errno = (error as { code?: string }).code;
  const full = errno === "ENOSPC" || errno === "EDQUOT";
  const why = error instanceof Error ? error.message : String(error);
  return new TsdError(full ? "storage_full" : "storage", `${attempt}: ${why}`, { cause: error });
}
