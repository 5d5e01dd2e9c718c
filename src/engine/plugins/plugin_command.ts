/**
 * @module
 * How a plugin's process is started: Deno, confined by its flags to what the plugin was granted.
 */
import { fileURLToPath } from "node:url";
import { PERMISSION_KINDS, type Permissions } from "../../plugins/host/manifest.ts";
import { workerUrl } from "../../worker_entry.ts";

/** What a plugin's process may do. */
export interface Confinement {
  /** The plugin's file, absolute; it can be read in any case. */
  readonly file: string;
  readonly permissions: Permissions;
  /** Largest heap, in MiB. */
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

/** The command line of a plugin's process. */
export function pluginCommand(
  { file, permissions, memoryMb, cacheDir, environment }: Confinement,
): PluginCommand {
  const granted = { ...permissions, read: [file, ...permissions.read ?? []] };
  const flags = PERMISSION_KINDS.flatMap((kind) => {
    const values = granted[kind] ?? [];
    return values.length === 0 ? [] : [`--allow-${kind}=${values.join(",")}`];
  });
  const path = Deno.execPath();
  const heap = `--v8-flags=--max-old-space-size=${memoryMb}`;
  return {
    path,
    argv: [path, "run", ...ALWAYS, heap, ...flags, fileURLToPath(workerUrl("pluginHost"))],
    env: { DENO_DIR: cacheDir, DENO_NO_UPDATE_CHECK: "1", NO_COLOR: "1", ...namedVariables(permissions, environment) },
  };
}

/** It may read some variables: so they have to be there. */
function namedVariables({ env = [] }: Permissions, environment: Confinement["environment"]): Record<string, string> {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => env.includes(name)));
}
