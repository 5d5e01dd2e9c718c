/**
 * @module
 * How a plugin's process is started: Deno, confined by its flags to what the plugin was granted.
 */
import { fileURLToPath } from "node:url";
import { BUILD_INFO, type BuildForm } from "../../build_info.ts";
import { type Permissions, PROCESS_PERMISSIONS } from "../../plugins/host/manifest.ts";
import { workerUrl } from "../../worker_entry.ts";

/** What a plugin's process may do. */
export interface Confinement {
  /** The plugin's file, absolute; it can be read in any case. */
  readonly file: string;
  readonly permissions: Permissions;
  /** Largest heap, and largest memory of a WebAssembly module, in MiB. */
  readonly memoryMb: number;
  /** Where what TypeScript is turned into is kept. */
  readonly cacheDir: string;
  /** The engine's environment, of which it gets what it was granted. */
  readonly environment: Readonly<Record<string, string>>;
}

/** A program with its arguments and its whole environment. */
export interface PluginCommand {
  readonly path: string;
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** Nothing is fetched, asked for, or found in files beside the plugin's. */
const ALWAYS = ["--quiet", "--no-prompt", "--no-config", "--no-lock", "--no-remote", "--no-npm"];

/** Of WebAssembly, 64 KiB each. */
const PAGES_PER_MIB = 16;

/** Marks the command line of a plugin's process in the compiled form; what was granted follows as JSON. */
export const HOST_COMMAND = "plugin-host";

/** The command line of a plugin's process. */
export function pluginCommand(
  { file, permissions, memoryMb, cacheDir, environment }: Confinement,
  form: BuildForm = BUILD_INFO.form,
): PluginCommand {
  const { host: _, ...own } = permissions;
  const granted = { ...own, read: [file, ...own.read ?? []] };
  const path = Deno.execPath();
  // What a module of WebAssembly takes is no part of the heap.
  const heap = `--max-old-space-size=${memoryMb},--wasm-max-mem-pages=${memoryMb * PAGES_PER_MIB}`;
  const env = {
    DENO_DIR: cacheDir,
    DENO_NO_UPDATE_CHECK: "1",
    NO_COLOR: "1",
    ...namedVariables(permissions, environment),
  };
  // The compiled executable is no Deno that takes flags, and has all permissions.
  if (form === "compiled") {
    return { path, argv: [path, HOST_COMMAND, JSON.stringify(granted)], env: { ...env, DENO_V8_FLAGS: heap } };
  }
  const flags = PROCESS_PERMISSIONS.flatMap((kind) => {
    const values = granted[kind] ?? [];
    return values.length === 0 ? [] : [`--allow-${kind}=${values.join(",")}`];
  });
  const host = fileURLToPath(workerUrl("pluginHost"));
  return { path, argv: [path, "run", ...ALWAYS, `--v8-flags=${heap}`, ...flags, host], env };
}

/** It may read some variables: so they have to be there. */
function namedVariables({ env = [] }: Permissions, environment: Confinement["environment"]): Record<string, string> {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => env.includes(name)));
}
