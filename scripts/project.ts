/**
 * @module
 * What the project's scripts share: where the project is, and how they run programs and list files. For development
 * only; the engine starts its children through `src/sys/`.
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The project's top folder, absolute, without a slash at the end. */
export const PROJECT_DIR: string = fileURLToPath(new URL("..", import.meta.url)).replace(/\/$/, "");

/** The executable that `./dev compile` makes and the tests run. */
export const EXECUTABLE: string = join(PROJECT_DIR, "dist/tsd");

/** A program that a script needs did not do its work; the message is fit for a terminal. */
export class CommandFailed extends Error {
  override readonly name = "CommandFailed";
}

export interface CommandOptions {
  readonly cwd?: string;
  readonly env?: Record<string, string>;
  /** The program is killed after this time; none by default. */
  readonly timeoutMs?: number;
}

/** Runs a program without input and returns its output. @throws CommandFailed with its errors when it fails. */
export async function capture(
  program: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<{ stdout: Uint8Array; text: string }> {
  const { timeoutMs, ...rest } = options;
  const signal = timeoutMs === undefined ? undefined : AbortSignal.timeout(timeoutMs);
  const command = new Deno.Command(program, { ...rest, args: [...args], stdin: "null", signal });
  const { code, stdout, stderr } = await output(program, command);
  if (code !== 0) {
    const why = signal?.aborted ? `stopped after ${timeoutMs} ms` : `exit code ${code}`;
    throw new CommandFailed(`${program} ${args.join(" ")}: ${why}\n${new TextDecoder().decode(stderr)}`.trim());
  }
  return { stdout, text: new TextDecoder().decode(stdout) };
}

async function output(program: string, command: Deno.Command): Promise<Deno.CommandOutput> {
  try {
    return await command.output();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) throw new CommandFailed(`${program}: no such program`);
    throw error;
  }
}

/** All files below a folder, absolute when `dir` is, sorted by path; none if there is no such folder. */
export async function filesBelow(dir: string): Promise<string[]> {
  const files: string[] = [];
  for (const entry of await entriesOf(dir)) {
    const path = join(dir, entry.name);
    if (entry.isDirectory) files.push(...await filesBelow(path));
    else if (entry.isFile) files.push(path);
  }
  return files.sort();
}

async function entriesOf(dir: string): Promise<Deno.DirEntry[]> {
  try {
    return await Array.fromAsync(Deno.readDir(dir));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

/** Whether something is there. */
export async function exists(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
