/** Looks up the programs of the OCI runtimes. */
import { type RuntimeProgram, STOCK_RUNTIME } from "../containers/runtimes.ts";
import type { EngineConfig } from "./engine_config.ts";

/** Directories in which runtimes are looked up. */
const PROGRAM_DIRS = ["/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin"];

/** Returns the program and global arguments of each runtime, by name. */
export async function runtimePrograms({ runtimes }: EngineConfig): Promise<ReadonlyMap<string, RuntimeProgram>> {
  const found = new Map([[STOCK_RUNTIME, { path: await programPath(STOCK_RUNTIME), args: [] as readonly string[] }]]);
  for (const [name, { program, args }] of Object.entries(runtimes)) {
    found.set(name, { path: await programPath(program), args });
  }
  return found;
}

/** Returns the first existing file. A missing program is reported when it is used. */
async function programPath(name: string): Promise<string> {
  if (name.startsWith("/")) return name;
  const paths = PROGRAM_DIRS.map((dir) => `${dir}/${name}`);
  for (const path of paths) {
    if (await Deno.stat(path).then(({ isFile }) => isFile, () => false)) return path;
  }
  return paths[0]!;
}
