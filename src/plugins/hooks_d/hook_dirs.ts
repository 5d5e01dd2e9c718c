/**
 * @module
 * Directories of hooks.d files. A file overrides one of the same name in an earlier directory; hooks run in the order
 * of the lower-cased file names. An invalid file keeps the containers that it applies to from starting, because the
 * administrator relies on its hooks.
 */
import { prefixed, TsdError } from "../../errors.ts";
import type { OciHook, OciHooks } from "../../runtime/spec/mod.ts";
import { type Stage, STAGES } from "../answers.ts";
import { type HookedContainer, type HookFile, parseHookFile } from "./hook_file.ts";

/** Podman's directories: those of the system's packages first, then the administrator's. */
export const DEFAULT_HOOK_DIRS: readonly string[] = [
  "/usr/share/containers/oci/hooks.d",
  "/etc/containers/oci/hooks.d",
];

/** OCI hooks from the files of hooks.d directories, read anew for each container. */
export class HookDirs {
  readonly #dirs: readonly string[];

  constructor(dirs: readonly string[] = DEFAULT_HOOK_DIRS) {
    this.#dirs = dirs;
  }

  /**
   * Returns a container's hooks by stage, after those that it has already; undefined if there are none.
   * @throws {TsdError} invalid_argument, not_implemented, naming the file
   */
  hooksFor(container: HookedContainer, existing: OciHooks = {}): OciHooks | undefined {
    const matching = this.#files().filter(({ file }) => file.matches(container)).map(({ path, file }) => {
      if (!file.isExternal) return file;
      throw new TsdError(
        "not_implemented",
        `Cannot use the hooks in ${path}: the stage precreate is Podman's own`,
      );
    });
    const all = STAGES.map((stage): [Stage, readonly OciHook[]] => [
      stage,
      [...existing[stage] ?? [], ...matching.filter(({ stages }) => stages.includes(stage)).map(({ hook }) => hook)],
    ]).filter(([, hooks]) => hooks.length > 0);
    return all.length === 0 ? undefined : Object.fromEntries(all);
  }

  /** Reads synchronously: there are usually no files, and looking takes less time than handing it to another thread. */
  #files(): readonly { readonly path: string; readonly file: HookFile }[] {
    const paths = new Map(this.#dirs.flatMap(pathsIn));
    return [...paths].sort(byLowerCaseName).map(([, path]) => {
      const file = read(path);
      requireProgram(path, file);
      return { path, file };
    });
  }
}

function read(path: string): HookFile {
  try {
    return parseHookFile(Deno.readTextFileSync(path));
  } catch (thrown) {
    throw prefixed(`Cannot use the hooks in ${path}`, thrown);
  }
}

function requireProgram(path: string, { hook }: HookFile): void {
  try {
    Deno.statSync(hook.path);
  } catch (thrown) {
    if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
    throw new TsdError("invalid_argument", `Cannot use the hooks in ${path}: there is no ${hook.path}`, {
      cause: thrown,
    });
  }
}

/** Returns file names and paths; none if the directory does not exist. */
function pathsIn(dir: string): [string, string][] {
  try {
    return [...Deno.readDirSync(dir)].filter(({ name }) => name.endsWith(".json"))
      .map(({ name }) => [name, `${dir}/${name}`]);
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return [];
    throw thrown;
  }
}

/** Compares by code points. */
function byLowerCaseName([a]: readonly [string, string], [b]: readonly [string, string]): number {
  const [one, other] = [a.toLowerCase(), b.toLowerCase()];
  return one < other ? -1 : one > other ? 1 : 0;
}
