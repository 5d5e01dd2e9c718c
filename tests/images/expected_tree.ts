/**
 * The root file system that an image defines, built without the engine's code: GNU tar extracts the layers in order,
 * and a layer's whiteouts are applied before it is extracted (OCI image-spec, layer.md). Only for trusted images, as
 * root. Each layer must list the parent directories of all its entries, so that the result is unambiguous.
 */
import { listTree, type TreeEntry } from "../harness/tree_listing.ts";
import { latin1 } from "../harness/xattrs.ts";
import type { Image } from "./image_builder.ts";
import type { Layer } from "./layer.ts";
import { removeTree } from "./test_cache.ts";

/** Lists what `image` unpacks to, without the root directory itself ("."), which layers need not contain. */
export async function expectedTree(image: Image): Promise<TreeEntry[]> {
  const work = await Deno.makeTempDir({ prefix: "tsd-expected-" });
  try {
    const root = `${work}/root`;
    await flatten(image.layers, root);
    return (await listTree(root)).filter((entry) => entry.path !== ".");
  } finally {
    await removeTree(work);
  }
}

/** Extracts `layers` in order into the new directory `root`. */
export async function flatten(layers: readonly Layer[], root: string): Promise<void> {
  await Deno.mkdir(root);
  for (const layer of layers) {
    const names = await memberNames(layer);
    requireParents(names);
    await removeHidden(root, names);
    await tar(["--extract", "--numeric-owner", "--same-owner", "--same-permissions", "--delay-directory-restore"], [
      ...["--xattrs", "--xattrs-include=*", "--exclude=.wh.*", "--warning=no-timestamp", "--directory", root],
    ], layer);
  }
}

async function memberNames(layer: Layer): Promise<string[]> {
  const listing = await tar(["--list", "--quoting-style=escape"], [], layer);
  const names = listing.split("\n").map((line) => unescape(line).replace(/^(\.\/)+/, ""));
  return names.filter((name) => name !== "");
}

/** Removes what whiteouts name, and directories that this layer replaces by another type. */
async function removeHidden(root: string, names: readonly string[]): Promise<void> {
  const dirs = new Set((await run("find", [root, "-type", "d", "-printf", "%P\\0"])).split("\0"));
  const doomed: string[] = [];
  for (const name of names) {
    const [dir, base] = splitPath(name);
    if (base === ".wh..wh..opq") doomed.push(...await children(root, dir));
    else if (base.startsWith(".wh..wh.")) continue;
    else if (base.startsWith(".wh.")) doomed.push(`${dir}${base.slice(".wh.".length)}`);
    else if (!name.endsWith("/") && dirs.has(name)) doomed.push(name);
  }
  const list = Uint8Array.from(doomed.map((path) => `./${path}\0`).join(""), (char) => char.charCodeAt(0));
  await run("xargs", ["-0", "-r", "rm", "-rf", "--"], { cwd: root, stdin: ReadableStream.from([list]) });
}

async function children(root: string, dir: string): Promise<string[]> {
  const found = await run("find", [`${root}/${dir}`, "-mindepth", "1", "-maxdepth", "1", "-printf", "%P\\0"]);
  return found.split("\0").slice(0, -1).map((name) => `${dir}${name}`);
}

function requireParents(names: readonly string[]): void {
  const listed = new Set(names);
  for (const name of names) {
    const [dir] = splitPath(name);
    if (dir !== "" && !listed.has(dir)) throw new Error(`A layer has ${name}, but no entry for ${dir}`);
  }
}

/** ["a/b/", "c"] of "a/b/c" and of "a/b/c/". */
function splitPath(name: string): [dir: string, base: string] {
  const bare = name.replace(/\/$/, "");
  const slash = bare.lastIndexOf("/");
  return [bare.slice(0, slash + 1), bare.slice(slash + 1)];
}

const ESCAPES: Readonly<Record<string, string>> = {
  ...{ a: "\x07", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t", v: "\v" },
  "?": "\x7f",
};

/** Decodes GNU tar's "escape" quoting to bytes as char codes. */
function unescape(line: string): string {
  return line.replace(/\\([0-7]{3}|.)/g, (_, code: string) => (
    code.length === 3 ? String.fromCharCode(parseInt(code, 8)) : ESCAPES[code] ?? code
  ));
}

function tar(operation: readonly string[], options: readonly string[], layer: Layer): Promise<string> {
  const stdin = ReadableStream.from(layer.openTar());
  return run("tar", [...operation, "--file", "-", ...options], { stdin });
}

interface RunOptions {
  readonly cwd?: string;
  readonly stdin?: ReadableStream<Uint8Array>;
}

/** Runs a command in the C locale and returns its standard output as a byte string. */
async function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const child = new Deno.Command(command, {
    args: [...args],
    cwd: options.cwd,
    env: { LC_ALL: "C" },
    stdin: options.stdin ? "piped" : "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const fed = options.stdin?.pipeTo(child.stdin);
  const [done] = await Promise.all([child.output(), fed]);
  if (!done.success) throw new Error(`${command}: ${new TextDecoder().decode(done.stderr).slice(0, 2000)}`);
  return latin1(done.stdout);
}
