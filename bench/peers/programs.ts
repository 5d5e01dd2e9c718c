/**
 * The peers' programs: those on PATH, else Debian's packages unpacked into the test cache. Nothing is installed, so that no
 * service starts, now or at the next boot.
 */
import { join } from "node:path";
import { capture, CommandFailed } from "../../scripts/project.ts";
import { cached } from "../../tests/images/test_cache.ts";
import { PeerMissing } from "./peer.ts";

export interface Programs {
  /** LD_LIBRARY_PATH is there where libraries had to be unpacked too. */
  readonly env: { readonly PATH: string; readonly LD_LIBRARY_PATH?: string };
  /** Where the packages were unpacked; undefined if they are installed. */
  readonly root?: string;
}

const TRIPLET = `${Deno.build.arch}-linux-gnu`;
/** A package to be unpacked; those that would only be brought up to date have their old version in brackets. */
const NEW_PACKAGE = /^Inst (\S+) \(/gm;

/** PATH with the folders that only root has in it. */
export function searchPath(): string {
  return `${Deno.env.get("PATH") ?? ""}:/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin`;
}

/** The absolute path of a program. @throws ContenderMissing */
export function programPath(name: string, path: string = searchPath()): string {
  const found = path.split(":").map((dir) => join(dir, name)).find(isExecutable);
  if (found === undefined) throw new PeerMissing(`there is no program ${name}`);
  return found;
}

/** What it takes to run the programs `names`: they are on PATH, or in Debian's package. @throws ContenderMissing */
export async function programsOf(packageName: string, names: readonly string[]): Promise<Programs> {
  const dirs = searchPath().split(":");
  if (names.every((name) => dirs.some((dir) => isExecutable(join(dir, name))))) {
    return { env: { PATH: searchPath() } };
  }
  const root = await unpacked(packageName);
  const programs = ["usr/bin", "usr/sbin"].map((dir) => join(root, dir));
  const libraries = ["usr/lib", "lib"].map((dir) => join(root, dir, TRIPLET));
  return { root, env: { PATH: [...programs, ...dirs].join(":"), LD_LIBRARY_PATH: libraries.join(":") } };
}

function isExecutable(path: string): boolean {
  try {
    const { isFile, mode } = Deno.statSync(path);
    return isFile && ((mode ?? 0) & 0o111) !== 0;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return false;
    throw error;
  }
}

/** The folder with the package and what it needs beyond what is installed. */
async function unpacked(packageName: string): Promise<string> {
  try {
    return await cached(`packages-${packageName}-${Deno.build.arch}`, async (dir) => {
      const packages = await newPackages(packageName);
      console.error(`bench: unpacking ${packages.join(", ")} into the test cache; nothing is installed`);
      const archives = join(dir, "archives");
      await Deno.mkdir(archives);
      await capture("apt-get", ["download", "-q", ...packages], { cwd: archives });
      for await (const { name } of Deno.readDir(archives)) {
        await capture("dpkg-deb", ["-x", join(archives, name), dir]);
      }
      await Deno.remove(archives, { recursive: true });
    });
  } catch (error) {
    if (!(error instanceof CommandFailed)) throw error;
    const why = error.message.split("\n").filter((line) => line !== "" && !line.startsWith("W:")).at(-1);
    const message = `it is not on PATH, and Debian's package ${packageName} can't be had: ${why}`;
    throw new PeerMissing(message, { cause: error });
  }
}

async function newPackages(packageName: string): Promise<string[]> {
  const ask = async () => {
    const { text } = await capture("apt-get", ["install", "--simulate", "--no-install-recommends", packageName]);
    return [...text.matchAll(NEW_PACKAGE)].map(([, name]) => name!);
  };
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof CommandFailed)) throw error;
    await capture("apt-get", ["update", "-q"]); // a fresh machine has no lists
    return await ask();
  }
}
