/**
 * Small files that may not be there. Synchronously: another thread takes longer to get to such files than they take.
 * Anything but their absence is thrown.
 */

/** Whether there is something of that name, a dangling link included. */
export function exists(path: string): boolean {
  return ifExists(() => Deno.lstatSync(path)) !== undefined;
}

/** Whether there is a file of that name, or a link that leads to one. */
export function isFile(path: string): boolean {
  return ifExists(() => Deno.statSync(path))?.isFile ?? false;
}

/** The text of a file, or undefined. */
export function readIfExists(path: string): string | undefined {
  return ifExists(() => Deno.readTextFileSync(path));
}

/** Removes a file or an empty folder. */
export function removeIfExists(path: string): void {
  ifExists(() => Deno.removeSync(path));
}

/** Renames a file; says whether it was there. */
export function renameIfThere(from: string, to: string): boolean {
  return ifExists(() => (Deno.renameSync(from, to), true)) ?? false;
}

/** The inode of what has that name, a link itself; undefined where nothing has it. */
export function inodeOf(path: string): number | undefined {
  return ifExists(() => Deno.lstatSync(path))?.ino ?? undefined;
}

function ifExists<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return undefined;
    throw thrown;
  }
}
