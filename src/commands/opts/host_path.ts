/** Lexical operations on the caller's paths. node:path would slow down the startup of every `run`. */

/** Removes `.`, `..`, repeated and trailing slashes; a relative path stays relative. */
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

/**
 * Makes a path that starts with `.` absolute, because the engine has another working directory. Volume names are returned
 * unchanged.
 */
export function absoluteSource(source: string, cwd: string): string {
  return source.startsWith(".") ? cleanPath(`${cwd}/${source}`) : source;
}
