/**
 * @module
 * `./dev bench [NAME [ARGUMENT...]]`: builds the executable, then runs `bench/NAME.ts`, or every program in `bench/` (those
 * below its folders are parts of them).
 */
import { basename, join } from "node:path";
import { capture, CommandFailed, exists, PROJECT_DIR } from "./project.ts";

async function main([name, ...args]: readonly string[]): Promise<void> {
  const dir = join(PROJECT_DIR, "bench");
  const all = (await Array.fromAsync(Deno.readDir(dir)))
    .filter((entry) => entry.isFile && entry.name.endsWith(".ts") && !entry.name.endsWith("_test.ts"))
    .map((entry) => join(dir, entry.name)).sort();
  const chosen = name === undefined ? all : [join(dir, `${name}.ts`)];
  for (const path of chosen) {
    if (await exists(path)) continue;
    throw new CommandFailed(
      `there is no bench/${name}.ts; there are ${all.map((each) => basename(each, ".ts")).join(", ")}`,
    );
  }
  await capture(Deno.execPath(), ["run", "--quiet", "-A", join(PROJECT_DIR, "scripts/compile.ts")]);
  for (const path of chosen) {
    console.log(`# bench/${basename(path)}`);
    const command = new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "-A", path, ...args],
      cwd: PROJECT_DIR,
    });
    const { success } = await command.spawn().status;
    if (!success) throw new CommandFailed(`bench/${basename(path)} failed`);
  }
}

if (import.meta.main) {
  try {
    await main(Deno.args);
  } catch (error) {
    if (!(error instanceof CommandFailed)) throw error;
    console.error(`bench: ${error.message}`);
    Deno.exit(1);
  }
}
