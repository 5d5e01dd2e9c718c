/** Where the programs of the OCI runtimes are. */
import { type RuntimeProgram, STOCK_RUNTIME } from "../containers/runtimes.ts";
import type { EngineConfig } from "./engine_config.ts";

/** Where runtimes are looked for. */
const PROGRAM_DIRS = ["/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin"];

/** How each runtime is called. */
export async function runtimePrograms({ runtimes }: EngineConfig): Promise<ReadonlyMap<string, RuntimeProgram>> {
  const found = new Map([[STOCK_RUNTIME, { path: await programPath(STOCK_RUNTIME), args: [] as readonly string[] }]]);
  for (const [name, { program, args }] of Object.entries(runtimes)) {
    found.set(name, { path: await programPath(program), args });
  }
  return found;
}

/** The first there is; a missing one is said when it is needed. */
async function programPath(name: string): Promise<string> {
  if (name.startsWith("/")) return name;
  const paths = PROGRAM_DIRS.map((dir) => `${dir}/${name}`);
  for (const path of paths) {
    if (await Deno.stat(path).then(({ isFile }) => isFile, () => false)) return path;
  }
  return paths[0]!;
}
