/**
 * @module
 * Access to the files of the cgroup file systems, and parsers of their formats (Linux, admin-guide/cgroup-v1, cgroup-v2).
 */

/** File access, replaceable by tests. */
export interface CgroupFiles {
  /** Returns the file's text; undefined if it does not exist or its cgroup was removed. */
  read(path: string): Promise<string | undefined>;
  readSync(path: string): string | undefined;
  /** Writes to an existing file; does nothing if it does not exist. */
  writeSync(path: string, text: string): void;
  /** Lists the names of subdirectories. */
  dirs(path: string): Promise<string[]>;
}

/** Parses `key 123` lines. Values above 2^53 lose precision. */
export function parseFlat(text = ""): Record<string, number> {
  const found: Record<string, number> = {};
  for (const line of text.split("\n")) {
    const [key, value] = line.split(" ");
    if (value !== undefined && /^\d+$/.test(value)) found[key] = Number(value);
  }
  return found;
}

/** Parses a number; `max` is Infinity, an empty text 0. */
export function parseAmount(text = ""): number {
  const trimmed = text.trim();
  if (trimmed === "max") return Infinity;
  return /^\d+$/.test(trimmed) ? Number(trimmed) : 0;
}

export const parseNumbers = (text = ""): number[] => text.split(/\s+/).filter((word) => /^\d+$/.test(word)).map(Number);

/** Lists the processes of a cgroup and its descendants. */
export async function pidsBelow(files: CgroupFiles, dir: string): Promise<number[]> {
  const found = parseNumbers(await files.read(`${dir}/cgroup.procs`));
  for (const name of await files.dirs(dir)) found.push(...await pidsBelow(files, `${dir}/${name}`));
  return found;
}

/** Accesses the host's files. */
export const CGROUP_FILES: CgroupFiles = {
  read: (path) => Deno.readTextFile(path).catch(ifRemoved),
  readSync(path) {
    try {
      return Deno.readTextFileSync(path);
    } catch (thrown) {
      return ifRemoved(thrown);
    }
  },
  writeSync(path, text) {
    try {
      Deno.writeTextFileSync(path, text, { create: false });
    } catch (thrown) {
      ifRemoved(thrown);
    }
  },
  async dirs(path) {
    try {
      return (await Array.fromAsync(Deno.readDir(path))).filter(({ isDirectory }) => isDirectory).map(({ name }) =>
        name
      );
    } catch (thrown) {
      ifRemoved(thrown);
      return [];
    }
  },
};

/** Ignores missing files, and ENODEV: the cgroup was removed between open and read. */
function ifRemoved(thrown: unknown): undefined {
  const isRemoved = thrown instanceof Error && "code" in thrown && thrown.code === "ENODEV";
  if (!isRemoved && !(thrown instanceof Deno.errors.NotFound)) throw thrown;
}
