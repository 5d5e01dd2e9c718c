/**
 * A real Debian as an image: debootstrap's minbase as the base layer, written by GNU tar, and layers on top that
 * remove, hide, move and change parts of it. Built once (about a minute, needs the network), then kept in the test
 * cache.
 */
import type { TreeEntry } from "../harness/tree_listing.ts";
import { Xattrs } from "../harness/xattrs.ts";
import { debianMirror } from "./apt_mirror.ts";
import { expectedTree } from "./expected_tree.ts";
import { changeEntries, featureEntries, type ImageWithTree, returnEntries } from "./features.ts";
import { CAP_NET_RAW, fileCapability } from "./file_capability.ts";
import { DEFAULT_PATH, ImageBuilder } from "./image_builder.ts";
import { readOciLayout, writeOciLayout } from "./oci_layout.ts";
import { dir, file, hostFile, opaque, symlink, type TarEntry, whiteout } from "./tar_entries.ts";
import { cached, removeTree } from "./test_cache.ts";

const RECIPE = 1; // Increment when the resulting image changes.
const CAPABLE = "usr/local/bin/capable-cat";

/**
 * Builds the image (OCI types, gzip, blobs in files of the cache) and the listing of its root file system. Needs root.
 */
export async function debianImage(suite = "bookworm"): Promise<ImageWithTree> {
  const directory = await cached(`debian-${suite}-${Deno.build.arch}-v${RECIPE}`, (making) => make(making, suite));
  const tree = JSON.parse(await Deno.readTextFile(`${directory}/expected.json`)) as TreeEntry[];
  return { image: await readOciLayout(`${directory}/layout`), expectedTree: tree };
}

async function make(directory: string, suite: string): Promise<void> {
  const root = `${directory}/root`;
  const tar = `${directory}/base.tar`;
  await debootstrap(suite, root);
  await addCapability(root);
  await packWithGnuTar(root, tar);
  using base = await Deno.open(tar);
  const image = await new ImageBuilder({ dir: `${directory}/blobs` })
    .layerFrom({ tar: base.readable })
    .layer(cleanUpEntries(root))
    .layer([...featureEntries(), ...toolEntries(root)])
    .layer([...changeEntries(), ...moveEntries(root)])
    .layer(returnEntries())
    .config({ Env: [DEFAULT_PATH], Cmd: ["bash"], Labels: { "org.example.suite": suite } })
    .build();
  await writeOciLayout(`${directory}/layout`, image);
  await Deno.writeTextFile(`${directory}/expected.json`, JSON.stringify(await expectedTree(image)));
  for (const path of [root, tar, `${directory}/blobs`]) await removeTree(path);
}

async function debootstrap(suite: string, root: string): Promise<void> {
  const mirror = await debianMirror(suite);
  await run("debootstrap", ["--variant=minbase", suite, root, mirror]);
}

async function addCapability(root: string): Promise<void> {
  await Deno.copyFile(`${root}/usr/bin/cat`, `${root}/${CAPABLE}`);
  using xattrs = new Xattrs();
  xattrs.write(`${root}/${CAPABLE}`, "security.capability", fileCapability(CAP_NET_RAW));
}

async function packWithGnuTar(root: string, tar: string): Promise<void> {
  await run("tar", [
    ...["--create", "--file", tar, "--directory", root, "--numeric-owner", "--sort=name", "--one-file-system"],
    ...["--format=posix", "--pax-option=delete=atime,delete=ctime", "--xattrs", "--xattrs-include=*", "."],
  ]);
}

/** Removes the downloaded packages, makes directories opaque, and removes a whole tree. */
function cleanUpEntries(root: string): TarEntry[] {
  const archives = "var/cache/apt/archives";
  const packages = [...Deno.readDirSync(`${root}/${archives}`)].filter((entry) => entry.name.endsWith(".deb"));
  if (packages.length === 0) throw new Error("debootstrap left no packages to remove");
  return [
    ...parents(root, [`${archives}/x`, "var/lib/apt/lists/x", "usr/share/doc/x", "usr/share/man"]),
    ...packages.map((entry) => whiteout(`${archives}/${entry.name}`)),
    opaque("var/lib/apt/lists"),
    dir("var/lib/apt/lists/partial", { mode: 0o700 }),
    opaque("usr/share/doc"),
    file("usr/share/doc/README", "The documentation was removed.\n"),
    whiteout("usr/share/man"),
  ];
}

/** Returns copies of real programs with setuid, setgid and capabilities. */
function toolEntries(root: string): TarEntry[] {
  const capability = fileCapability(CAP_NET_RAW);
  return [
    ...parents(root, ["usr/local/bin/x"]),
    hostFile("usr/local/bin/setuid-id", `${root}/usr/bin/id`, { mode: 0o4755 }),
    hostFile("usr/local/bin/setgid-id", `${root}/usr/bin/id`, { mode: 0o2755, gid: 1000 }),
    hostFile("usr/local/bin/capable-id", `${root}/usr/bin/id`, { xattrs: { "security.capability": capability } }),
  ];
}

/** Moves programs (one of them setgid) to another directory, and replaces a directory of the base by a symlink. */
function moveEntries(root: string): TarEntry[] {
  return [
    ...parents(root, ["usr/bin/x", "usr/local/bin/x", "opt"]),
    whiteout("usr/bin/chage"),
    hostFile("usr/local/bin/chage", `${root}/usr/bin/chage`, { gid: 42 }),
    whiteout("usr/bin/uname"),
    hostFile("usr/local/bin/uname", `${root}/usr/bin/uname`),
    symlink("srv", "opt"),
  ];
}

/** Returns the parent directories of the paths, each once and in order, with their metadata in `root`. */
function parents(root: string, paths: readonly string[]): TarEntry[] {
  const dirs = new Set(paths.flatMap((path) => {
    const parts = path.split("/").slice(0, -1);
    return parts.map((_, at) => parts.slice(0, at + 1).join("/"));
  }));
  return [...dirs].sort().map((directory) => {
    const { mode, uid, gid } = Deno.lstatSync(`${root}/${directory}`);
    return dir(directory, { mode: (mode ?? 0o755) & 0o7777, uid: uid ?? 0, gid: gid ?? 0 });
  });
}

async function run(command: string, args: string[]): Promise<void> {
  const done = await new Deno.Command(command, { args, env: { LC_ALL: "C" } }).output();
  if (done.success) return;
  const output = new TextDecoder().decode(done.stdout) + new TextDecoder().decode(done.stderr);
  throw new Error(`${command} ${args.join(" ")}: ${output.slice(-2000)}`);
}
