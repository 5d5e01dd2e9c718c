/**
 * @module
 * Builds the executable, `dist/tsd`, and runs it before it says done.
 *
 *     ./dev compile [--form=auto|portable|compiled] [--output=FILE]
 *
 * `deno compile` is used where Deno's base runtime (denort) can be had; elsewhere the portable form is made.
 */
import { parseArgs } from "node:util";
import { dirname, join, resolve } from "node:path";
import type { BuildInfo } from "../src/build_info.ts";
import { bundle } from "./bundle.ts";
import { type BaseRuntime, compileNative, findBaseRuntime } from "./compiled.ts";
import { buildPortable } from "./portable.ts";
import { capture, CommandFailed, EXECUTABLE, PROJECT_DIR } from "./project.ts";

const FORMS = ["auto", "portable", "compiled"] as const;
type RequestedForm = typeof FORMS[number];

export interface CompileOptions {
  readonly form: RequestedForm;
  /** The file to make, absolute. */
  readonly output: string;
  /** The project to build; tests build a stand-in. */
  readonly projectDir?: string;
}

/** Compressed runtimes are kept here for later builds. */
const PARTS_DIR = join(PROJECT_DIR, "dist/parts");

/** Builds the executable and runs it once. @throws CommandFailed if it can't be built or doesn't run. */
export async function compile(options: CompileOptions): Promise<BuildInfo> {
  const base = options.form === "portable" ? undefined : await findBaseRuntime();
  if (base === undefined && options.form === "compiled") {
    throw new CommandFailed(
      "deno compile needs Deno's base runtime: set DENORT_BIN to a denort of this Deno's version",
    );
  }
  await Deno.mkdir(dirname(options.output), { recursive: true });
  await Deno.mkdir(PARTS_DIR, { recursive: true });
  using lock = await Deno.open(join(PARTS_DIR, "lock"), { create: true, write: true });
  await lock.lock(true); // two builds at once would mix their files
  return await build(options, base);
}

/** What has the output's name has run: it is built beside it and renamed. */
async function build({ output, projectDir = PROJECT_DIR }: CompileOptions, base?: BaseRuntime): Promise<BuildInfo> {
  const bundleDir = `${output}.bundle`; // stays there to be looked at
  const incomplete = `${output}.unfinished`;
  const info = await bundle(base === undefined ? "portable" : "compiled", bundleDir, projectDir);
  if (base === undefined) await buildPortable(bundleDir, incomplete, PARTS_DIR, info.version);
  else await compileNative(bundleDir, incomplete, base);
  await runOnce(incomplete, info);
  await Deno.rename(incomplete, output);
  return info;
}

/** Runs `tsd version` in a cache that the build may fill, and looks whether it names this build. */
async function runOnce(output: string, info: BuildInfo): Promise<void> {
  const { text } = await capture(output, ["version"], { timeoutMs: 60_000 });
  if (!text.includes(info.version) || !text.includes(info.form)) {
    throw new CommandFailed(`${output} version does not name version ${info.version} and form ${info.form}:\n${text}`);
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({ args: Deno.args, options: { form: { type: "string" }, output: { type: "string" } } });
  const form = FORMS.find((each) => each === (values.form ?? "auto"));
  if (form === undefined) throw new CommandFailed(`--form is one of ${FORMS.join(", ")}`);
  const output = resolve(values.output ?? EXECUTABLE);
  const started = performance.now();
  const info = await compile({ form, output });
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const megabytes = ((await Deno.stat(output)).size / 1e6).toFixed(1);
  console.log(`${output}: tsd ${info.version} (${info.form}, ${info.gitCommit}), ${megabytes} MB, in ${seconds} s`);
}

if (import.meta.main) {
  try {
    await main();
  } catch (error) {
    if (!(error instanceof CommandFailed)) throw error;
    console.error(`compile: ${error.message}`);
    Deno.exit(1);
  }
}
