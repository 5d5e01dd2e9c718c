/** Maps failures of the file system below a store to the store's errors. */
import { firstThrown, isTsdError, TsdError } from "../../errors.ts";
import { storageError } from "../../io/mod.ts";
import { SysError } from "../../sys/mod.ts";

/**
 * Maps a failure to `storage` or `storage_full`; `message` says what was attempted. Other
 * TsdErrors are returned unchanged.
 */
export function storageFailure(message: string, failure: unknown): TsdError {
  const thrown = firstThrown(failure);
  if (!(thrown instanceof SysError)) return storageError(message, thrown);
  const code = isTsdError(thrown, "storage_full") ? "storage_full" : "storage";
  return new TsdError(code, `${message}: ${thrown.message}`, { cause: thrown });
}

/** Runs file-system work and maps its failures as {@link storageFailure} does. */
export async function withStorageErrors<T>(message: string, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    throw storageFailure(message, thrown);
  }
}

/** Errors of the host, which say nothing about the data that was to be read. */
const UNREADABLE = new Set(["EIO", "EMFILE", "ENFILE", "ENOMEM", "EACCES", "EPERM"]);

/** Returns whether data could not be read, so that its state is unknown. */
export function isUnreadable(thrown: unknown): boolean {
  if (!(thrown instanceof Error)) return false;
  const code = thrown instanceof SysError ? thrown.errnoName : (thrown as { code?: string }).code;
  return (code !== undefined && UNREADABLE.has(code)) || isUnreadable(thrown.cause);
}

/** Returns whether a rename failed because its target is a non-empty directory. */
export function isNotEmptyError(thrown: unknown): boolean {
  const { code } = thrown as { code?: string };
  return code === "ENOTEMPTY" || code === "EEXIST";
}
