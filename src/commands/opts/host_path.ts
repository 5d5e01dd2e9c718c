/** Paths of the caller's, by their text alone: node:path would cost every start of `run`. */

/** Without `.`, `..`, doubled and trailing slashes; a relative path stays one. */
export function cleanPath(path: string): string {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "" || part === ".") continue;
    if (part !== "..") parts.push(part);
    else if (parts.length > 0 && parts.at(-1) !== "..") parts.pop();
    else if (!path.startsWith("/")) parts.push("..");
  }
  const joined = parts.join("/");
  return path.startsWith("/") ? `/${joined}` : joined || ".";
}

/** A path that begins with `.` is the caller's; the engine has another working folder. Names of volumes stay. */
export function absoluteSource(source: string, cwd: string): string {
  return source.startsWith(".") ? cleanPath(`${cwd}/${source}`) : source;
}
