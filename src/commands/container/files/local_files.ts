/** Files of this machine as `tsd cp` looks at them: paths made absolute, links followed or not, Docker's texts. */
import { baseName, dirName, join, requestsDir, splitEnd, withEndOf } from "../../../archive/mod.ts";
import { StatusError } from "../../../cli/mod.ts";
import { followed } from "./copy_names.ts";
import type { CopySource, CopyTarget } from "./copying.ts";

/** Links that are followed to a target. */
const LINKS_MAX = 10;

/** From the root on, cleaned, with its end as it was written. */
export function localPath(path: string): string {
  return withEndOf(path.startsWith("/") ? join("/", path) : join(Deno.cwd(), path), path);
}

/** @throws {StatusError} with Docker's text: where it would lie there is no folder, or it is a device */
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

/** What a path names that is to be copied. @throws {StatusError} there is no such thing */
export function localSource(path: string, { followLink }: { readonly followLink: boolean }): CopySource {
  const { path: resolved, otherName } = followLink ? followed(path, realPath(path)) : besideItsDir(path);
  const isDir = lstat(resolved).isDirectory;
  return { path: resolved, isDir, otherName };
}

/** Links on the way are followed, one at the end only where its path asks for a folder. */
function besideItsDir(path: string): { readonly path: string; readonly otherName?: string } {
  const slash = path.lastIndexOf("/") + 1;
  const resolved = join("/", realPath(path.slice(0, slash)));
  const whole = `${resolved === "/" ? "" : resolved}/${path.slice(slash)}`;
  const isOther = path.endsWith("/") && baseName(path) !== baseName(whole);
  return isOther ? { path: whole, otherName: baseName(path) } : { path: whole };
}

/** What a path names that is to be written: the end of all links. @throws {StatusError} there is no folder for it */
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

/** What `look` finds; nothing where there is nothing, or something else in the way. */
function present<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound || thrown instanceof Deno.errors.NotADirectory) return undefined;
    throw thrown;
  }
}
