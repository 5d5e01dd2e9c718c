/**
 * An image made of the machine's shell and a few programs, with the shared libraries that `ldd` finds for them. It
 * needs no package that a minimal Debian lacks, so the demo can always build it.
 */
import { GROUP, PASSWD } from "./accounts.ts";
import { type BuilderOptions, type Image, ImageBuilder } from "./image_builder.ts";
import { dir, file, hostFile, type TarEntry } from "./tar_entries.ts";

export interface HostShellOptions extends BuilderOptions {
  /** Additional programs, by name. */
  readonly programs?: readonly string[];
}

const PROGRAMS = ["sh", "ls", "cat", "echo", "uname", "id", "env", "sleep", "true", "false", "head", "wc", "pwd"];

/** Builds the image: libraries in one layer, programs and accounts in a second one; Cmd `sh`. */
export async function hostShellImage(options: HostShellOptions = {}): Promise<Image> {
  const programs = [...new Set([...PROGRAMS, ...options.programs ?? []])].map((name) => ({ name, path: which(name) }));
  const libraries = [...new Set(programs.flatMap(({ path }) => librariesOf(path)))].sort();
  return await new ImageBuilder(options)
    .layer(libraryEntries(libraries))
    .layer(programEntries(programs))
    .config({ Cmd: ["/bin/sh"] })
    .build();
}

function libraryEntries(libraries: readonly string[]): TarEntry[] {
  const dirs = new Set(libraries.flatMap((path) => ancestors(path.slice(1))));
  return [
    ...[...dirs].sort().map((directory) => dir(directory)),
    ...libraries.map((path) => hostFile(path.slice(1), Deno.realPathSync(path))),
  ];
}

function programEntries(programs: readonly { name: string; path: string }[]): TarEntry[] {
  return [
    ...["bin", "dev", "etc", "home", "proc", "sys", "var"].map((directory) => dir(directory)),
    dir("home/app", { uid: 1000, gid: 1000 }),
    dir("root", { mode: 0o700 }),
    dir("tmp", { mode: 0o1777 }),
    file("etc/passwd", PASSWD),
    file("etc/group", GROUP),
    ...programs.map(({ name, path }) => hostFile(`bin/${name}`, Deno.realPathSync(path), { mode: 0o755 })),
  ];
}

function which(name: string): string {
  for (const directory of ["/bin", "/usr/bin", "/sbin", "/usr/sbin"]) {
    const path = `${directory}/${name}`;
    try {
      if (Deno.statSync(path).isFile) return path;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  throw new Error(`No program ${name} on this machine`);
}

/** Returns the shared libraries and the dynamic loader, by the paths where the loader looks for them. */
function librariesOf(program: string): string[] {
  const listed = new Deno.Command("ldd", { args: [program], env: { LC_ALL: "C" } }).outputSync();
  const text = new TextDecoder().decode(listed.stdout);
  if (!listed.success) {
    if (/not a dynamic executable|statically linked/.test(text + new TextDecoder().decode(listed.stderr))) return [];
    throw new Error(`ldd ${program} failed`);
  }
  return text.split("\n").flatMap((line) => /(?:=> )?(\/\S+) \(0x/.exec(line)?.[1] ?? []);
}

/** ["a", "a/b"] of "a/b/c". */
function ancestors(path: string): string[] {
  const parts = path.split("/").slice(0, -1);
  return parts.map((_, at) => parts.slice(0, at + 1).join("/"));
}
