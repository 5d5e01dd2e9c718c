/**
 * @module
 * Folders of hooks.d files. A file of the same name in a later folder takes the place of an earlier one's; hooks run in the
 * order of the files' names in lower case. A file with which nothing can be done keeps containers from starting: whoever
 * has put it there wants it to count.
 */
import { prefixed, TsdError } from "../../errors.ts";
import type { OciHook, OciHooks } from "../../runtime/spec/mod.ts";
import { type Stage, STAGES } from "../answers.ts";
import { type HookedContainer, type HookFile, parseHookFile } from "./hook_file.ts";

/** Where Podman looks too: what came with the system's packages, then the administrator's. */
export const DEFAULT_HOOK_DIRS: readonly string[] = [
  "/usr/share/containers/oci/hooks.d",
  "/etc/containers/oci/hooks.d",
];

/** See the module's comment. */
export class HookDirs {
  readonly #dirs: readonly string[];

  constructor(dirs: readonly string[] = DEFAULT_HOOK_DIRS) {
    this.#dirs = dirs;
  }

  /**
   * The hooks for a container, by stage, behind those that it has already.
   * @throws {TsdError} invalid_argument, not_implemented, naming the file
   */
  hooksFor(container: HookedContainer, own: OciHooks = {}): OciHooks | undefined {
    const matching = this.#files().filter(({ file }) => file.matches(container)).map(({ path, file }) => {
      if (!file.isExternal) return file;
      throw new TsdError("not_implemented", `Cannot use the hooks in ${path}: the stage precreate is Podman's own`);
    });
    const all = STAGES.map((stage): [Stage, readonly OciHook[]] => [
      stage,
      [...own[stage] ?? [], ...matching.filter(({ stages }) => stages.includes(stage)).map(({ hook }) => hook)],
    ]).filter(([, hooks]) => hooks.length > 0);
    return all.length === 0 ? undefined : Object.fromEntries(all);
  }

  /** Synchronously: mostly there are none, and looking is quicker than to have another thread look. */
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

/** Names and paths. A folder that isn't there has none. */
function pathsIn(dir: string): [string, string][] {
  try {
    return [...Deno.readDirSync(dir)].filter(({ name }) => name.endsWith(".json"))
      .map(({ name }) => [name, `${dir}/${name}`]);
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return [];
    throw thrown;
  }
}

/** By code points. */
function byLowerCaseName([a]: readonly [string, string], [b]: readonly [string, string]): number {
  const [one, other] = [a.toLowerCase(), b.toLowerCase()];
  return one < other ? -1 : one > other ? 1 : 0;
}
