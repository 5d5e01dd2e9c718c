/**
 * @module
 * Names of a log's files, as Docker has them: `x` is written to, `x.1` is the one before, `x.2` the one before that; a
 * compressed one ends with `.gz`.
 */
import { storageError } from "../../io/mod.ts";

/** A file that is there. */
export interface NamedFile {
  /** How many files are newer: 0 for the one that is written to. */
  readonly age: number;
  readonly compressed: boolean;
  readonly path: string;
}

/** The name of a file. */
export function logName(path: string, age: number, compressed = false): string {
  return `${path}${age === 0 ? "" : `.${age}`}${compressed ? ".gz" : ""}`;
}

/** Where a file is compressed to, before it takes the place of the original. */
export const compressionName = (path: string): string => `${path}.gz.tmp`;

/** The files of the log that are there, newest first; none where the folder is missing. @throws {TsdError} storage */
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
