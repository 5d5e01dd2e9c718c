/**
 * Small files that may not be there. Synchronously: another thread takes longer to get to such files than they take.
 * Anything but their absence is thrown.
 */

/** Whether there is something of that name, a dangling link included. */
export function isThere(path: string): boolean {
  return ifThere(() => Deno.lstatSync(path)) !== undefined;
}

/** Whether there is a file of that name, or a link that leads to one. */
export function isFile(path: string): boolean {
  return ifThere(() => Deno.statSync(path))?.isFile ?? false;
}

/** The text of a file, or undefined. */
export function readIfThere(path: string): string | undefined {
  return ifThere(() => Deno.readTextFileSync(path));
}

/** Removes a file or an empty folder. */
export function removeIfThere(path: string): void {
  ifThere(() => Deno.removeSync(path));
}

function ifThere<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return undefined;
    throw thrown;
  }
}
