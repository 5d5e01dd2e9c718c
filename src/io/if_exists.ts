/**
 * Access to small files that may not exist. Synchronous: a hop to another thread takes longer than the access. Every
 * error except a missing file is thrown.
 */

/** Returns whether there is a file of any type at `path`, including a dangling link. */
export function exists(path: string): boolean {
  return ifExists(() => Deno.lstatSync(path)) !== undefined;
}

/** Returns whether there is a regular file at `path`; links are followed. */
export function isFile(path: string): boolean {
  return ifExists(() => Deno.statSync(path))?.isFile ?? false;
}

/** Returns the text of a file, or undefined if it doesn't exist. */
export function readIfExists(path: string): string | undefined {
  return ifExists(() => Deno.readTextFileSync(path));
}

/** Removes a file or an empty directory, if it exists. */
export function removeIfExists(path: string): void {
  ifExists(() => Deno.removeSync(path));
}

/** Renames a file. Returns whether it existed. */
export function renameIfExists(from: string, to: string): boolean {
  return ifExists(() => (Deno.renameSync(from, to), true)) ?? false;
}

/** Returns the inode of a path (of a symbolic link itself); undefined if it does not exist. */
export function inodeOf(path: string): number | undefined {
  return ifExists(() => Deno.lstatSync(path))?.ino ?? undefined;
}

function ifExists<T>(access: () => T): T | undefined {
  try {
    return access();
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return undefined;
    throw thrown;
  }
}
