/**
 * @module
 * Files of the cgroup file systems and their text forms (Linux, admin-guide/cgroup-v1 and cgroup-v2).
 */

/** The files; tests hand in others. */
export interface CgroupFiles {
  /** The text; undefined when there is no such file, or its cgroup has just gone. */
  read(path: string): Promise<string | undefined>;
  readSync(path: string): string | undefined;
  /** Writes to a file that the kernel has made; nothing happens when there is none. */
  writeSync(path: string, text: string): void;
  /** Names of the folders in a folder. */
  dirs(path: string): Promise<string[]>;
}

/** `key 123` lines. Values beyond 2^53 lose their last digits. */
export function parseFlat(text = ""): Record<string, number> {
  const found: Record<string, number> = {};
  for (const line of text.split("\n")) {
    const [key, value] = line.split(" ");
    if (value !== undefined && /^\d+$/.test(value)) found[key] = Number(value);
  }
  return found;
}

/** A number; `max` is Infinity, nothing is 0. */
export function parseAmount(text = ""): number {
  const trimmed = text.trim();
  if (trimmed === "max") return Infinity;
  return /^\d+$/.test(trimmed) ? Number(trimmed) : 0;
}

export const parseNumbers = (text = ""): number[] => text.split(/\s+/).filter((word) => /^\d+$/.test(word)).map(Number);

/** Processes of a cgroup and of those below it. */
export async function pidsBelow(files: CgroupFiles, dir: string): Promise<number[]> {
  const found = parseNumbers(await files.read(`${dir}/cgroup.procs`));
  for (const name of await files.dirs(dir)) found.push(...await pidsBelow(files, `${dir}/${name}`));
  return found;
}

/** The real files. */
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

/** ENODEV: the cgroup went between opening and reading. */
function ifRemoved(thrown: unknown): undefined {
  const isRemoved = thrown instanceof Error && "code" in thrown && thrown.code === "ENODEV";
  if (!isRemoved && !(thrown instanceof Deno.errors.NotFound)) throw thrown;
}
