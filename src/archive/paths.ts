/**
 * Paths as text, as Docker's clients and daemon handle them: cleaned, except for a trailing slash or dot, which request
 * a directory or its content. Pure functions; they work on text and on byte strings.
 */

/** Returns the shortest equivalent path (Go's `path.Clean`): `a//b/../c/.` becomes `a/c`, the empty path `.`. */
export function clean(path: string): string {
  const isAbsolute = path.startsWith("/");
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "" || part === ".") continue;
    if (part !== "..") parts.push(part);
    else if (parts.length > 0 && parts.at(-1) !== "..") parts.pop();
    else if (!isAbsolute) parts.push(part);
  }
  const text = parts.join("/");
  return isAbsolute ? `/${text}` : text || ".";
}

/** Returns the last name of a path; `/` for the root, `.` for the empty path. */
export function baseName(path: string): string {
  if (path === "") return ".";
  const trimmed = path.replace(/\/+$/, "");
  return trimmed === "" ? "/" : trimmed.slice(trimmed.lastIndexOf("/") + 1);
}

/** Returns all but the last name, cleaned. */
export function dirName(path: string): string {
  const slash = path.lastIndexOf("/");
  return clean(slash === 0 ? "/" : path.slice(0, Math.max(0, slash)));
}

/** Joins two paths, cleaned; a leading slash of `path` has no effect. */
export const join = (dir: string, path: string): string => clean(`${dir}/${path}`);

/** Returns whether a path requests the content of a directory: it ends with `.`. */
export const requestsContent = (path: string): boolean => baseName(path) === ".";

/** Returns whether a path requires a directory: it ends with `/` or `/.`. */
export const requestsDir = (path: string): boolean => path.endsWith("/") || requestsContent(path);

/** Restores the trailing `/` or `/.` of `written` on the cleaned path. */
export function withEndOf(cleaned: string, written: string): string {
  let path = cleaned;
  if (!requestsContent(path) && requestsContent(written)) path += path.endsWith("/") ? "." : "/.";
  return written.endsWith("/") && !path.endsWith("/") ? `${path}/` : path;
}

/** Splits a path into its directory and last name, cleaned; a trailing dot is the last name. */
export function splitEnd(path: string): { readonly dir: string; readonly name: string } {
  const cleaned = requestsContent(path) ? `${clean(path)}/.` : clean(path);
  return { dir: dirName(cleaned), name: baseName(cleaned) };
}

/**
 * Returns a function that renames the archive entry `from`, and everything in it, to `to`. An archive of the root has
 * empty names.
 */
export function entryRenamer(from: string, to: string): (name: string) => string {
  const [oldName, newName] = [from, to].map((path) => path.replace(/\/+$/, ""));
  if (oldName === "") return (name) => `${newName}/${name.replace(/^\/+/, "")}`.replace(/^\//, "");
  return (name) => name === oldName || name.startsWith(`${oldName}/`) ? newName + name.slice(oldName!.length) : name;
}
