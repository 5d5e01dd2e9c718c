/**
 * Debian packages as the tar of a layer: what `apt-get install` would add to an image, without the work of their scripts. The
 * packages come from where this machine's apt gets them.
 */
import { join } from "node:path";
import { capture, CommandFailed } from "../../scripts/project.ts";
import { privateDir } from "../peers/host_traces.ts";

/** Folders that are links in a Debian system; packages may still have files in them. */
const MERGED = ["bin", "sbin", "lib", "lib64"];

/** Gives the tar of a layer with these packages to `use`, which reads it to its end; what it took on disk is gone then. */
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

/** Debian's security updates leave the mirror when there are newer ones, and a fresh machine has no lists. */
async function download(packages: readonly string[], dir: string): Promise<void> {
  try {
    await capture("apt-get", ["download", "-q", ...packages], { cwd: dir });
  } catch (error) {
    if (!(error instanceof CommandFailed)) throw error;
    await capture("apt-get", ["update", "-q"]);
    await capture("apt-get", ["download", "-q", ...packages], { cwd: dir });
  }
}

/** A layer that has a folder where the base has a link would hide what the link leads to. */
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
