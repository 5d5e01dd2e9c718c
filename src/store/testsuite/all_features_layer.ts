/** For tests only: a directory tree with every feature that an image may use, and GNU tar for comparison. */
import { strict as assert } from "node:assert";
import { AT, cBytes, cString, files, metadata, O, OwnedFd, S, tree, xattrs } from "../../sys/mod.ts";

/** `cap_net_raw=ep`, as setcap(8) writes it (struct vfs_cap_data, revision 2). */
const NET_RAW = new Uint8Array([1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);

/** Fills `dir`; needs root. */
export async function makeAllFeaturesTree(dir: string): Promise<void> {
  const at = (name: string) => `${dir}/${name}`;
  await Deno.mkdir(at("bin/deep/er"), { recursive: true });
  await Deno.mkdir(at("empty"));
  await Deno.writeTextFile(at("bin/tool"), "#!/bin/sh\n");
  await Deno.writeTextFile(at("bin/ping"), "capable");
  await Deno.writeTextFile(at("bin/deep/er/data"), "0123456789".repeat(20_000));
  await Deno.writeTextFile(at("none"), "");
  await Deno.writeTextFile(at(`${"long".repeat(50)}`), "long name");
  await Deno.link(at("bin/tool"), at("bin/second"));
  await Deno.link(at("bin/tool"), at("third"));
  await Deno.symlink("../nowhere", at("bin/dangling"));
  await Deno.symlink("/bin/tool", at("absolute"));
  await Deno.chown(at("bin/deep"), 1234, 70_000);
  await Deno.chown(at("bin/deep/er/data"), 3_000_000, 7);
  await makeSpecials(dir);
  await makeSparse(at("sparse"));
  xattrs.lsetxattr(cString(at("bin/ping")), cString("security.capability"), NET_RAW);
  xattrs.lsetxattr(cString(at("bin")), cString("trusted.note"), new Uint8Array([0, 255, 10, 61]));
  await Deno.chmod(at("bin/tool"), 0o4755);
  await Deno.chmod(at("bin/deep/er"), 0o1777);
  await Deno.chmod(at("empty"), 0o2750);
  setTime(at("bin/tool"), 1_600_000_000n, 123_456_789);
  setTime(at("bin/dangling"), 1_500_000_000n, 1);
  setTime(at("bin/deep"), -1n, 500_000_000);
  setTime(at("bin"), 1_400_000_000n, 999_999_999);
}

async function makeSpecials(dir: string): Promise<void> {
  using root = new OwnedFd(files.open(cString(dir), O.PATH | O.DIRECTORY));
  tree.mknodat(root.fd, cString("null"), S.IFCHR | 0o666, { major: 1, minor: 3 });
  tree.mknodat(root.fd, cString("disk"), S.IFBLK | 0o660, { major: 259, minor: 300 });
  tree.mkfifoat(root.fd, cString("fifo"), 0o622);
  // Bytes that aren't UTF-8, and a newline.
  using odd = new OwnedFd(files.openat(root.fd, cBytes("odd\xff\n"), O.WRONLY | O.CREAT, 0o640));
  files.write(odd.fd, new TextEncoder().encode("odd"));
  await Deno.link(`${dir}/fifo`, `${dir}/fifo2`);
}

async function makeSparse(path: string): Promise<void> {
  using file = await Deno.open(path, { create: true, write: true });
  for (const offset of [0, 1_000_000, 5_000_000]) {
    await file.seek(offset, Deno.SeekMode.Start);
    await file.write(new TextEncoder().encode(`data at ${offset}`));
  }
  await file.truncate(6_000_000);
}

function setTime(path: string, seconds: bigint, nanoseconds: number): void {
  const time = { seconds, nanoseconds };
  metadata.utimensat(AT.FDCWD, cString(path), time, time, AT.SYMLINK_NOFOLLOW);
}

/** What a suite needs from the host; `tests/harness/` provides it. `Entry` describes a file. */
export interface DirTools<Entry extends { readonly path: string } = { readonly path: string }> {
  /** Lists every file below `root`, including `.`, with all attributes. */
  listTree(root: string): Promise<readonly Entry[]>;
  /** Describes the differences, one line each; the root itself is ignored. */
  diffTrees(expected: readonly Entry[], actual: readonly Entry[]): string[];
  /** Runs a program to completion. */
  run(command: string, args: readonly string[]): Promise<{ readonly code: number; readonly stderr: string }>;
}

/** Packs `dir` into `archive` with GNU tar, with all attributes. */
export async function packWithTar(
  tools: DirTools,
  dir: string,
  archive: string,
  options: string[],
): Promise<void> {
  await runTar(tools, ["-c", "--format=pax", ...options, ...EVERYTHING, "-f", archive, "-C", dir, "."]);
}

/** Unpacks `archive` into `dir` with GNU tar, with all attributes. */
export async function unpackWithTar(tools: DirTools, archive: string, dir: string): Promise<void> {
  await runTar(tools, ["-x", "-p", ...EVERYTHING, "-f", archive, "-C", dir]);
}

const EVERYTHING = ["--xattrs", "--xattrs-include=*", "--numeric-owner", "--warning=no-timestamp"];

async function runTar(tools: DirTools, args: readonly string[]): Promise<void> {
  const { code, stderr } = await tools.run("tar", args);
  assert.equal(code, 0, stderr);
}
