/** Failures of the file system under a store, as errors of the store. */
import { firstThrown, isTsdError, TsdError } from "../../errors.ts";
import { storageError } from "../../io/mod.ts";
import { SysError } from "../../sys/mod.ts";

/** What `failure` means to a caller of the store: `storage` or `storage_full` with what was attempted; others stay. */
export function storageFailure(attempt: string, failure: unknown): TsdError {
  const thrown = firstThrown(failure);
  if (!(thrown instanceof SysError)) return storageError(attempt, thrown);
  const code = isTsdError(thrown, "storage_full") ? "storage_full" : "storage";
  return new TsdError(code, `${attempt}: ${thrown.message}`, { cause: thrown });
}

/** Runs file-system work; its failures come out as {@link storageFailure} says. */
export async function attempting<T>(attempt: string, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    throw storageFailure(attempt, thrown);
  }
}

/** What these say is of the machine, and not of what was to be read. */
const UNREADABLE = new Set(["EIO", "EMFILE", "ENFILE", "ENOMEM", "EACCES", "EPERM"]);

/** Whether something could not be read, so that nobody knows whether it is what it should be. */
export function isUnreadable(thrown: unknown): boolean {
  if (!(thrown instanceof Error)) return false;
  const code = thrown instanceof SysError ? thrown.errnoName : (thrown as { code?: string }).code;
  return (code !== undefined && UNREADABLE.has(code)) || isUnreadable(thrown.cause);
}

/** Whether a rename failed because its target is a folder that isn't empty. */
export function isTaken(thrown: unknown): boolean {
  const { code } = thrown as { code?: string };
  return code === "ENOTEMPTY" || code === "EEXIST";
}
