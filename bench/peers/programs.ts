/**
 * Finds the peers' programs: on PATH, otherwise in Debian's packages, unpacked into the test cache. Nothing is
 * installed, so no service starts, now or at the next boot.
 */
import { join } from "node:path";
import { capture, CommandFailed } from "../../scripts/project.ts";
import { cached } from "../../tests/images/test_cache.ts";
import { PeerMissing } from "./peer.ts";

export interface Programs {
  /** LD_LIBRARY_PATH is set if the packages were unpacked. */
  readonly env: { readonly PATH: string; readonly LD_LIBRARY_PATH?: string };
  /** The directory of the unpacked packages; undefined if they are installed. */
  readonly root?: string;
}

const TRIPLET = `${Deno.build.arch}-linux-gnu`;
/** Matches a new package in apt's simulation; an upgrade has the old version in brackets after its name. */
const NEW_PACKAGE = /^Inst (\S+) \(/gm;

/** Returns PATH with the system's directories, root's too. */
export function searchPath(): string {
  return `${Deno.env.get("PATH") ?? ""}:/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin`;
}

/** Returns the absolute path of a program. @throws PeerMissing */
export function programPath(name: string, path: string = searchPath()): string {
  const found = path.split(":").map((dir) => join(dir, name)).find(isExecutable);
  if (found === undefined) throw new PeerMissing(`there is no program ${name}`);
  return found;
}

/** Returns the environment for the programs `names`, on PATH or unpacked from Debian's package. @throws PeerMissing */
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

/** Unpacks the package and its dependencies that are not installed; returns their directory. */
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
  const simulate = async () => {
    const { text } = await capture("apt-get", ["install", "--simulate", "--no-install-recommends", packageName]);
    return [...text.matchAll(NEW_PACKAGE)].map(([, name]) => name!);
  };
  try {
    return await simulate();
  } catch (error) {
    if (!(error instanceof CommandFailed)) throw error;
    await capture("apt-get", ["update", "-q"]); // a fresh machine has no package lists
    return await simulate();
  }
}
