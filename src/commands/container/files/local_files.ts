/** Resolves local paths for `tsd cp`: makes them absolute, follows links as required, with Docker's error messages. */
import { baseName, dirName, join, requestsDir, splitEnd, withEndOf } from "../../../archive/mod.ts";
import { StatusError } from "../../../cli/mod.ts";
import { followed } from "./copy_names.ts";
import type { CopySource, CopyTarget } from "./copying.ts";

/** The maximum number of links that are followed to a target. */
const LINKS_MAX = 10;

/** Makes a path absolute and cleans it, keeping its suffix (`/`, `/.`). */
export function localPath(path: string): string {
  return withEndOf(path.startsWith("/") ? join("/", path) : join(Deno.cwd(), path), path);
}

/** Validates an output path. @throws {StatusError} with Docker's message, if its directory doesn't exist or it is a device */
export function checkOutputPath(path: string): void {
  const dir = dirName(join("/", path));
  if (statOf(dir) === undefined) {
    throw new StatusError(`invalid output path: directory ${JSON.stringify(dir)} does not exist`);
  }
  const info = statOf(path);
  if (info === undefined || !(info.isCharDevice || info.isBlockDevice)) return;
  throw new StatusError(
    `invalid output path: ${JSON.stringify(path)} must be a directory or a regular file: got a device`,
  );
}

/** Looks up a path to copy from. @throws {StatusError} if it doesn't exist */
export function localSource(path: string, { followLink }: { readonly followLink: boolean }): CopySource {
  const { path: resolved, otherName } = followLink ? followed(path, realPath(path)) : besideItsDir(path);
  const isDir = lstat(resolved).isDirectory;
  return { path: resolved, isDir, otherName };
}

/** Follows links in the parent directories, and in the last component only if the path ends with a slash. */
function besideItsDir(path: string): { readonly path: string; readonly otherName?: string } {
  const slash = path.lastIndexOf("/") + 1;
  const resolved = join("/", realPath(path.slice(0, slash)));
  const whole = `${resolved === "/" ? "" : resolved}/${path.slice(slash)}`;
  const isOther = path.endsWith("/") && baseName(path) !== baseName(whole);
  return isOther ? { path: whole, otherName: baseName(path) } : { path: whole };
}

/** Looks up a path to copy to, following all links. @throws {StatusError} if its directory doesn't exist */
export function localTarget(path: string): CopyTarget {
  let target = path;
  for (let links = 0;; links++) {
    const info = lstatOf(target);
    if (info === undefined) break;
    if (!info.isSymlink) return { path: target, found: info.isDirectory ? "folder" : "other" };
    if (links === LINKS_MAX) throw new StatusError(`too many symlinks in ${path}`);
    const link = Deno.readLinkSync(target);
    target = link.startsWith("/") ? link : join(splitEnd(target).dir, link);
  }
  const { dir } = splitEnd(target);
  const info = statOf(dir);
  if (info === undefined) throw new StatusError(`stat ${dir}: no such file or directory`);
  if (!info.isDirectory) throw new StatusError("not a directory");
  return { path: target, found: undefined };
}

function lstat(path: string): Deno.FileInfo {
  const info = lstatOf(path);
  if (info === undefined) throw new StatusError(`lstat ${path}: no such file or directory`);
  if (!info.isDirectory && requestsDir(path)) throw new StatusError(`lstat ${path}: not a directory`);
  return info;
}

const lstatOf = (path: string) => present(() => Deno.lstatSync(path));
const statOf = (path: string) => present(() => Deno.statSync(path));

function realPath(path: string): string {
  const found = present(() => Deno.realPathSync(path));
  if (found !== undefined) return found;
  throw new StatusError(`lstat ${join("/", path)}: no such file or directory`);
}

/** Returns the result of `look`; undefined for ENOENT and ENOTDIR. */
function present<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound || thrown instanceof Deno.errors.NotADirectory) return undefined;
    throw thrown;
  }
}
