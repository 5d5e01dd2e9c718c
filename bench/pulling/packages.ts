/**
 * Makes the tar of a layer from Debian packages: the files that `apt-get install` would add, without the effects of
 * maintainer scripts. The packages are downloaded by the machine's apt.
 */
import { join } from "node:path";
import { capture, CommandFailed } from "../../scripts/project.ts";
import { privateDir } from "../peers/host_traces.ts";

/** Directories that are links in a Debian system (merged /usr); packages may still have files in them. */
const MERGED = ["bin", "sbin", "lib", "lib64"];

/** Passes the tar of a layer with these packages to `use`, which reads it to its end; then removes the temporary files. */
export async function withPackagesTar(
  packages: readonly string[],
  use: (tar: ReadableStream<Uint8Array>) => Promise<void>,
): Promise<void> {
  await using undo = new AsyncDisposableStack();
  const dir = await privateDir("packages", undo);
  const [archives, root] = [join(dir, "archives"), join(dir, "root")];
  await Deno.mkdir(archives);
  await download(packages, archives);
  await makeMergedRoot(root);
  const names = (await Array.fromAsync(Deno.readDir(archives))).map(({ name }) => name).filter((name) =>
    name.endsWith(".deb")
  );
  for (const name of names.sort()) await unpack(join(archives, name), root);
  await Promise.all(MERGED.map((name) => Deno.remove(join(root, name))));
  await pack(root, use);
}

/** Downloads packages; updates apt's lists if that fails, as superseded versions leave the mirror. */
async function download(packages: readonly string[], dir: string): Promise<void> {
  try {
    await capture("apt-get", ["download", "-q", ...packages], { cwd: dir });
  } catch (error) {
    if (!(error instanceof CommandFailed)) throw error;
    await capture("apt-get", ["update", "-q"]);
    await capture("apt-get", ["download", "-q", ...packages], { cwd: dir });
  }
}

/** Makes the links of merged /usr: a directory in their place would hide the base layer's link. */
async function makeMergedRoot(root: string): Promise<void> {
  for (const name of MERGED) {
    await Deno.mkdir(join(root, "usr", name), { recursive: true });
    await Deno.symlink(`usr/${name}`, join(root, name));
  }
}

async function unpack(archive: string, root: string): Promise<void> {
  const script = 'dpkg-deb --fsys-tarfile "$1" | tar --extract --keep-directory-symlink --directory "$2"';
  await capture("/bin/sh", ["-e", "-c", script, "sh", archive, root]);
}

async function pack(root: string, use: (tar: ReadableStream<Uint8Array>) => Promise<void>): Promise<void> {
  const tar = new Deno.Command("tar", {
    args: [
      ...["--create", "--file", "-", "--directory", root, "--numeric-owner", "--sort=name"],
      ...["--format=posix", "--pax-option=delete=atime,delete=ctime", "."],
    ],
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  await use(tar.stdout);
  const { code } = await tar.status;
  if (code !== 0) throw new CommandFailed(`tar of ${root}: exit code ${code}`);
}
