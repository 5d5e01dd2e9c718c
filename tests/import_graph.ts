/** The project's import graph according to Deno (`deno info --json`). */
import { capture, filesBelow, PROJECT_DIR } from "../scripts/project.ts";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

/** One import. Paths are relative to the project ("src/log.ts"); packages and built-ins keep their specifiers. */
export interface Import {
  readonly from: string;
  readonly to: string;
  /** `type`: `import type`, nothing at run time; `dynamic`: `import()`; `static`: everything else. */
  readonly kind: "static" | "dynamic" | "type";
}

/** The part of `deno info --json` that is used. */
interface Info {
  readonly modules: ReadonlyArray<{
    readonly specifier: string;
    readonly error?: string;
    readonly dependencies?: ReadonlyArray<{
      readonly specifier: string;
      readonly code?: { readonly specifier?: string; readonly error?: string };
      readonly type?: { readonly specifier?: string };
      readonly isDynamic?: boolean;
    }>;
  }>;
}

/**
 * Returns all imports of `roots` and, transitively, of what they import. @throws Error if a module is missing or cannot
 * be parsed
 */
export async function importGraph(roots: readonly string[], projectDir: string = PROJECT_DIR): Promise<Import[]> {
  const info = await inspect(roots, projectDir);
  const prefix = pathToFileURL(projectDir + "/").href;
  const broken = info.modules.filter((module) => module.error !== undefined);
  if (broken.length > 0) throw new Error(broken.map(({ specifier, error }) => `${specifier}: ${error}`).join("\n"));
  return info.modules.filter((module) => module.specifier.startsWith(prefix)).flatMap((module) =>
    (module.dependencies ?? []).map((dependency): Import => {
      const to = dependency.code?.specifier ?? dependency.type?.specifier ?? dependency.specifier;
      const kind = dependency.code === undefined ? "type" : dependency.isDynamic ? "dynamic" : "static";
      return { from: module.specifier.slice(prefix.length), to: shortened(to, prefix), kind };
    })
  );
}

/** "src/log.ts" for the project's files, "tsyringe" for a package in any version, "node:http" unchanged. */
function shortened(specifier: string, prefix: string): string {
  if (specifier.startsWith(prefix)) return specifier.slice(prefix.length);
  return specifier.replace(/^npm:\/?((?:@[^/]+\/)?[^@/]+).*$/, "$1");
}

/** Inspects all roots at once, through a module that imports them. */
async function inspect(roots: readonly string[], projectDir: string): Promise<Info> {
  const everything = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    const imports = roots.map((root) => `import ${JSON.stringify(pathToFileURL(join(projectDir, root)).href)};`);
    await Deno.writeTextFile(everything, imports.join("\n"));
    const config = join(projectDir, "deno.json");
    const { text } = await capture(Deno.execPath(), ["info", "--json", "--config", config, everything]);
    return JSON.parse(text);
  } finally {
    await Deno.remove(everything);
  }
}

/** Returns the program's sources: everything in src/ but the tests, and the existing top-level modules. */
export async function sourceFiles(): Promise<string[]> {
  const files = await filesBelow(join(PROJECT_DIR, "src"));
  return files.map((file) => file.slice(PROJECT_DIR.length + 1)).filter((file) => /(?<!_test)\.ts$/.test(file));
}
