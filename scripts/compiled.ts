/**
 * @module
 * The compiled form of the executable: `deno compile` over the bundle. It needs Deno's base runtime, denort, which Deno
 * downloads from its own site, and which many machines can't reach.
 */
import { join, relative } from "node:path";
import { capture, CommandFailed, exists, filesBelow } from "./project.ts";
import { ENGINE_V8_FLAGS } from "./v8_flags.ts";

/** Where a denort comes from; `compile` is tried with `DENORT_BIN` set to `path` if there is one. */
export interface BaseRuntime {
  readonly origin: "DENORT_BIN" | "cache" | "download";
  readonly path?: string;
}

const PROBE_TIMEOUT_MS = 2_000;
const COMPILE_TIMEOUT_MS = 180_000;

/** Looks for a base runtime: `DENORT_BIN`, Deno's own cache, then (a short probe) its download site. */
export async function findBaseRuntime(): Promise<BaseRuntime | undefined> {
  const named = Deno.env.get("DENORT_BIN");
  if (named) {
    if (!await exists(named)) throw new CommandFailed(`DENORT_BIN names ${named}, which is not there`);
    return { origin: "DENORT_BIN", path: named };
  }
  const archive = `release/v${Deno.version.deno}/denort-${Deno.build.target}.zip`;
  if (await exists(join(await denoDir(), "dl", archive))) return { origin: "cache" };
  return await canDownload(`https://dl.deno.land/${archive}`) ? { origin: "download" } : undefined;
}

async function denoDir(): Promise<string> {
  const { text } = await capture(Deno.execPath(), ["info", "--json"]);
  return (JSON.parse(text) as { denoDir: string }).denoDir;
}

async function canDownload(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { method: "HEAD", signal: AbortSignal.timeout(PROBE_TIMEOUT_MS) });
    await response.body?.cancel();
    return response.ok;
  } catch (error) {
    // A machine without that network: a TypeError from fetch, or the time-out.
    if (error instanceof TypeError || error instanceof DOMException) return false;
    throw error;
  }
}

/** Compiles the bundle into one executable, workers and chunks included. */
export async function compileNative(bundleDir: string, output: string, base: BaseRuntime): Promise<void> {
  const files = (await filesBelow(bundleDir)).map((path) => relative(bundleDir, path));
  await capture(Deno.execPath(), compileArguments(files, output), {
    cwd: bundleDir,
    timeoutMs: COMPILE_TIMEOUT_MS,
    env: base.path === undefined ? {} : { DENORT_BIN: base.path },
  });
}

/**
 * The arguments for Deno, with all of the bundle's `files`. One set of V8's flags is for both roles, as V8 takes none at run
 * time (`setFlagsFromString` of node:v8 does nothing in Deno), and those that are given here win over the environment's
 * (`DENO_V8_FLAGS`). It is the engine's: to a client they are nothing, and what a client would have instead saves it less
 * than a millisecond, but would have an engine compile all its code at its start.
 */
export function compileArguments(files: readonly string[], output: string): string[] {
  const flags = ["--quiet", "-A", "--no-config", "--no-lock", "--no-remote", "--no-npm", "--no-check"];
  const included = files.filter((path) => path !== "mod.js").flatMap((path) => ["--include", path]);
  return [
    ...["compile", ...flags, "--unstable-worker-options", "--unstable-net", `--v8-flags=${ENGINE_V8_FLAGS.join(",")}`],
    ...["--app-name", "tsd", ...included, "--output", output, "mod.js"],
  ];
}
