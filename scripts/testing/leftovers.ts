/**
 * What a test file leaves behind in its own temporary folder: files, mounts below it, processes that work in it. Each file
 * gets a folder of its own (`TMPDIR`), so that nobody else's doings are blamed on it.
 */
import { readdir, readFile, readlink } from "node:fs/promises"; // its errors have codes; Deno's have none for ESRCH
import { join } from "node:path";
import process from "node:process";
import { removeDir } from "../../src/store/directory_driver/clearing.ts";

/** Looks for what was left in `dir`, undoes it, and says what it was, one line each. */
export async function clearLeftovers(dir: string): Promise<string[]> {
  const processes = await processesIn(dir);
  for (const { pid } of processes) killProcess(pid);
  const mounts = await mountsBelow(dir);
  for (const mount of mounts) await unmount(mount);
  const files = (await Array.fromAsync(Deno.readDir(dir))).map(({ name }) => name);
  await removeDir(dir);
  return [
    ...processes.map(({ pid, command }) => `process ${pid}: ${command}`),
    ...mounts.map((mount) => `mount: ${mount}`),
    ...files.map((name) => `file: ${join(dir, name)}`),
  ];
}

/** Mount points at or below `dir`, the innermost first. */
async function mountsBelow(dir: string): Promise<string[]> {
  const table = await Deno.readTextFile("/proc/self/mountinfo");
  const points = table.split("\n").map((line) => line.split(" ")[4] ?? "").map(unescapeOctal);
  return points.filter((point) => point === dir || point.startsWith(`${dir}/`)).reverse();
}

/** proc(5): space, tab, newline and backslash are written as three octal digits. */
function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 8)));
}

async function unmount(point: string): Promise<void> {
  const { success, stderr } = await new Deno.Command("umount", { args: ["-l", point], stdout: "null" }).output();
  if (!success) throw new Error(`umount ${point}: ${new TextDecoder().decode(stderr).trim()}`);
}

/**
 * Describes the processes of a test file that hangs, one line each: pid, parent, state, the kernel function that each
 * thread sleeps in (proc_pid_wchan(5)), and command.
 * @param dir the file's temporary directory
 */
export async function describeProcesses(dir: string): Promise<string[]> {
  return await Promise.all((await processesIn(dir)).map(async ({ pid, command }) => {
    const status = await text(`/proc/${pid}/status`);
    const field = (name: string) => new RegExp(`^${name}:\\s*(\\S+)`, "m").exec(status)?.[1] ?? "?";
    const threads = await Promise.all(
      (await entries(`/proc/${pid}/task`)).map((tid) => text(`/proc/${pid}/task/${tid}/wchan`)),
    );
    const counts = [...Map.groupBy(threads, (each) => each)].map(([wchan, { length }]) => `${length} ${wchan}`);
    return `process ${pid} (parent ${field("PPid")}, ${field("State")}; ${counts.join(", ")}): ${command}`;
  }));
}

/** Returns the processes whose arguments or environment name the directory, or that have something in it open. */
async function processesIn(dir: string): Promise<Array<{ pid: number; command: string }>> {
  const found: Array<{ pid: number; command: string }> = [];
  for await (const { name } of Deno.readDir("/proc")) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === Deno.pid) continue;
    if (await worksIn(pid, dir)) {
      found.push({ pid, command: (await text(`/proc/${pid}/cmdline`)).replaceAll("\0", " ") });
    }
  }
  return found;
}

async function worksIn(pid: number, dir: string): Promise<boolean> {
  const names = await text(`/proc/${pid}/cmdline`) + "\0" + await text(`/proc/${pid}/environ`);
  if (names.includes(dir)) return true;
  const inside = (target: string) => target === dir || target.startsWith(`${dir}/`);
  if (inside(await link(`/proc/${pid}/cwd`)) || inside(await link(`/proc/${pid}/root`))) return true;
  for (const fd of await entries(`/proc/${pid}/fd`)) if (inside(await link(`/proc/${pid}/fd/${fd}`))) return true;
  return false;
}

const text = (path: string) => unlessRemoved(() => readFile(path, "utf8"), "");
const link = (path: string) => unlessRemoved(() => readlink(path), "");
const entries = (path: string) => unlessRemoved(() => readdir(path), []);

/** Processes end while one looks at them, and an ordinary user may not look at all of them. */
async function unlessRemoved<T>(look: () => Promise<T>, otherwise: T): Promise<T> {
  try {
    return await look();
  } catch (error) {
    if (hasCode(error, "ENOENT", "ESRCH", "EACCES", "EPERM")) return otherwise;
    // What an open file is called when it lies deeper than PATH_MAX: other tests' deep trees.
    if (hasCode(error, "ENAMETOOLONG")) return otherwise;
    // A file whose name is no text, which Deno can't say.
    if (error instanceof Deno.errors.InvalidData) return otherwise;
    throw error;
  }
}

function killProcess(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if (!hasCode(error, "ESRCH")) throw error;
  }
}

function hasCode(error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && "code" in error && codes.includes(String(error.code));
}
