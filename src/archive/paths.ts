/**
 * Paths as text, the way Docker's clients and daemon write them: cleaned, but for a slash or a dot at their end, which
 * ask for a folder or for what is in it. Pure; works on text and on byte strings.
 */

/** The shortest way to write a path (Go's `path.Clean`): `a//b/../c/.` is `a/c`, nothing is `.`. */
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

/** The last name of a path; `/` of the root, `.` of nothing. */
export function baseName(path: string): string {
  if (path === "") return ".";
  const trimmed = path.replace(/\/+$/, "");
  return trimmed === "" ? "/" : trimmed.slice(trimmed.lastIndexOf("/") + 1);
}

/** All but the last name, cleaned. */
export function dirName(path: string): string {
  const slash = path.lastIndexOf("/");
  return clean(slash === 0 ? "/" : path.slice(0, Math.max(0, slash)));
}

/** `path` below `folder`, cleaned; unless it begins at the root itself. */
export const joined = (dir: string, path: string): string => clean(`${dir}/${path}`);

/** Whether it asks for what is in a folder: it ends with `.`. */
export const requestsContent = (path: string): boolean => baseName(path) === ".";

/** Whether it can only be a folder: it ends with `/` or `/.`. */
export const requestsDir = (path: string): boolean => path.endsWith("/") || requestsContent(path);

/** A cleaned path with the end that it was written with. */
export function withEndOf(cleaned: string, written: string): string {
  let path = cleaned;
  if (!requestsContent(path) && requestsContent(written)) path += path.endsWith("/") ? "." : "/.";
  return written.endsWith("/") && !path.endsWith("/") ? `${path}/` : path;
}

/** A path's folder and last name, cleaned; a dot at its end is that name. */
export function splitEnd(path: string): { readonly dir: string; readonly name: string } {
  const cleaned = requestsContent(path) ? `${clean(path)}/.` : clean(path);
  return { dir: dirName(cleaned), name: baseName(cleaned) };
}

/** Gives what an archive calls `from`, and all that is in it, another name. An archive of the root calls it nothing. */
export function renaming(from: string, to: string): (name: string) => string {
  const [old, now] = [from, to].map((path) => path.replace(/\/+$/, ""));
  if (old === "") return (name) => `${now}/${name.replace(/^\/+/, "")}`.replace(/^\//, "");
  return (name) => name === old || name.startsWith(`${old}/`) ? now + name.slice(old!.length) : name;
}
