/** Writes reports to `bench/results/`. */
import { join } from "node:path";
import { capture, PROJECT_DIR } from "../../scripts/project.ts";

/** Writes files, given by name, and formats them with `deno fmt`. @throws {CommandFailed} if formatting fails */
export async function writeResults(files: Readonly<Record<string, string>>): Promise<void> {
  const dir = join(PROJECT_DIR, "bench/results");
  await Deno.mkdir(dir, { recursive: true });
  const paths = Object.keys(files).map((name) => join(dir, name));
  for (const [at, text] of Object.values(files).entries()) await Deno.writeTextFile(paths[at]!, text);
  await capture(Deno.execPath(), ["fmt", "--quiet", ...paths], { cwd: PROJECT_DIR });
  console.log(`written: ${Object.keys(files).map((name) => `bench/results/${name}`).join(", ")}`);
}
