/**
 * @module
 * Names of a log's files, as in Docker: `x` is the current file, `x.1` the one before it, `x.2` the one before that.
 * Compressed files end with `.gz`.
 */
import { storageError } from "../../io/mod.ts";

/** An existing file of a log. */
export interface NamedFile {
  /** The number of newer files: 0 for the current one. */
  readonly age: number;
  readonly compressed: boolean;
  readonly path: string;
}

/** Returns the path of the file with this age. */
export function logName(path: string, age: number, compressed = false): string {
  return `${path}${age === 0 ? "" : `.${age}`}${compressed ? ".gz" : ""}`;
}

/** Returns the path of the temporary file that compression writes, before it replaces the original. */
export const compressionName = (path: string): string => `${path}.gz.tmp`;

/** Returns the existing files of a log, newest first; none if the directory is missing. @throws {TsdError} storage */
export function listLog(path: string): NamedFile[] {
  const slash = path.lastIndexOf("/");
  const [dir, base] = [path.slice(0, slash), path.slice(slash + 1)];
  return entriesOf(dir).flatMap((name): NamedFile[] => {
    if (!name.startsWith(base)) return [];
    const match = /^(?:\.([1-9]\d{0,8}))?(\.gz)?$/.exec(name.slice(base.length));
    if (match === null || (match[1] === undefined && match[2] !== undefined)) return [];
    return [{ age: Number(match[1] ?? 0), compressed: match[2] !== undefined, path: `${dir}/${name}` }];
  }).sort((a, b) => a.age - b.age || Number(a.compressed) - Number(b.compressed));
}

function entriesOf(dir: string): string[] {
  try {
    return Array.from(Deno.readDirSync(dir), ({ name }) => name);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return [];
    throw storageError(`Cannot list the log's folder ${dir}`, cause);
  }
}
