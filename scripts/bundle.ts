/**
 * @module
 * Bundles the program into a folder: `mod.js` (the client's path), the workers' entries at their own paths, and shared
 * chunks. What `mod.ts` imports dynamically (the engine) stays in chunks of its own, so that the client never reads it.
 */
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { BuildForm, BuildInfo } from "../src/build_info.ts";
import { WORKER_ENTRIES } from "../src/worker_entry.ts";
import { capture, CommandFailed, exists, filesBelow, PROJECT_DIR } from "./project.ts";

/** The part of `deno.json` that a bundle needs. */
interface Config {
  readonly version: string;
  readonly imports: Record<string, string>;
}

/** Bundles `projectDir` (this project, or a stand-in in tests) as `form` into `outDir`, which is made anew. */
export async function bundle(form: BuildForm, outDir: string, projectDir: string = PROJECT_DIR): Promise<BuildInfo> {
  const config: Config = JSON.parse(await Deno.readTextFile(join(projectDir, "deno.json")));
  const info = await buildInfo(form, config.version, projectDir);
  if (await exists(outDir)) await Deno.remove(outDir, { recursive: true });
  await Deno.mkdir(outDir, { recursive: true });
  const generatedDir = await Deno.makeTempDir({ prefix: "tsd-bundle-" });
  try {
    const importMap = await writeOverrides(generatedDir, config, info, projectDir);
    await runBundler(importMap, outDir, projectDir);
  } finally {
    await Deno.remove(generatedDir, { recursive: true });
  }
  return info;
}

/** Writes the module that takes the place of `src/build_info.ts`, and an import map that puts it there. */
async function writeOverrides(dir: string, config: Config, info: BuildInfo, projectDir: string): Promise<string> {
  const generated = join(dir, "build_info.ts");
  await Deno.writeTextFile(generated, `export const BUILD_INFO = ${JSON.stringify(info)};\n`);
  const replaced = pathToFileURL(join(projectDir, "src/build_info.ts")).href;
  const imports = { ...config.imports, [replaced]: pathToFileURL(generated).href };
  const importMap = join(dir, "import_map.json");
  await Deno.writeTextFile(importMap, JSON.stringify({ imports }));
  return importMap;
}

async function runBundler(importMap: string, outDir: string, projectDir: string): Promise<void> {
  const entries = ["mod.ts", ...Object.values(WORKER_ENTRIES)];
  for (const entry of entries) {
    if (!await exists(join(projectDir, entry))) throw new CommandFailed(`The bundle's entry ${entry} is missing`);
  }
  const flags = ["--quiet", "--platform=deno", "--code-splitting", `--import-map=${importMap}`];
  await capture(Deno.execPath(), ["bundle", ...flags, `--outdir=${outDir}`, ...entries], {
    cwd: projectDir,
    env: { NO_COLOR: "1" },
  });
  for (const path of await filesBelow(outDir)) {
    await Deno.writeTextFile(path, deferRequire(deferChunks(await Deno.readTextFile(path))));
  }
}

/**
 * Hides dynamic imports of chunks from Deno's loader. It follows every literal specifier before it runs anything, and would
 * read and hash the engine's code at each start of the client (1.5 ms for each MB).
 */
export function deferChunks(code: string): string {
  return code.replace(/\bimport\(("\.\/[\w./-]+\.js")\)/g, "import((0,$1))");
}

const REQUIRE = /^import \{ createRequire as (\w+) \} from "node:module";\nvar __require = \1\(import\.meta\.url\);$/m;

/**
 * Makes `require` at its first call. The bundler puts it among helpers that every module loads as soon as one package wants a
 * built-in module in the way of CommonJS, and with it all of Deno's compatibility with Node: 20 ms of each command.
 */
export function deferRequire(code: string): string {
  return code.replace(
    REQUIRE,
    'var __require = (name) => globalThis.process.getBuiltinModule("node:module").createRequire(import.meta.url)(name);',
  );
}

async function buildInfo(form: BuildForm, version: string, projectDir: string): Promise<BuildInfo> {
  try {
    const git = async (...args: string[]) => (await capture("git", args, { cwd: projectDir })).text.trim();
    const dirty = await git("status", "--porcelain", "--untracked-files=no") === "" ? "" : "-dirty";
    const gitCommit = await git("rev-parse", "--short=12", "HEAD") + dirty;
    const commitTime = new Date(await git("log", "-1", "--format=%cI")).toISOString();
    return { version, form, gitCommit, commitTime };
  } catch (error) {
    // Not a repository (a source archive), or no git: the build is none the worse.
    if (!(error instanceof CommandFailed)) throw error;
    return { version, form, gitCommit: "unknown", commitTime: "" };
  }
}
