/**
 * The listing of a real directory, in a form that can be compared entry by entry. Made by GNU find, stat and sha256sum,
 * so names may have any byte, and independent of the engine's code. It stays on one file system.
 */
import { latin1, Xattrs } from "./xattrs.ts";

export type TreeEntryType = "file" | "dir" | "symlink" | "char" | "block" | "fifo" | "socket";

/**
 * One entry. Paths and targets are byte strings (each char code is one byte), relative; the directory itself is ".".
 */
export interface TreeEntry {
  readonly path: string;
  readonly type: TreeEntryType;
  /** Permission bits with setuid, setgid and sticky. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** `<seconds>.<nine digits>`. */
  readonly mtime: string;
  /** 0 for everything but files. */
  readonly sizeBytes: number;
  readonly sha256?: string;
  readonly target?: string;
  /** `major:minor` of a device node. */
  readonly device?: string;
  /** Values in hex. */
  readonly xattrs: Readonly<Record<string, string>>;
  /** The first (by bytes) of this file's names, if the tree has more than one. */
  readonly hardLinkGroup?: string;
}

const TYPES: Readonly<Record<string, TreeEntryType>> = {
  f: "file",
  d: "dir",
  l: "symlink",
  c: "char",
  b: "block",
  p: "fifo",
  s: "socket",
};
const FIELDS = ["%P", "%y", "%m", "%U", "%G", "%T@", "%s", "%l", "%D:%i"];

/** Lists `root`, sorted by path. */
export async function listTree(root: string): Promise<TreeEntry[]> {
  const format = FIELDS.join("\\0") + "\\0";
  const fields = split(await outputOf("find", [".", "-xdev", "-printf", format], root));
  const sums = await sha256Sums(root);
  const devices = await deviceNumbers(root);
  const inodes = new Map<string, string[]>();
  const rows: string[][] = [];
  for (let at = 0; at + FIELDS.length <= fields.length; at += FIELDS.length) {
    const row = fields.slice(at, at + FIELDS.length);
    rows.push(row);
    const [path, type, , , , , , , inode] = row as [string, string, ...string[]];
    if (type !== "d") inodes.set(inode!, [...inodes.get(inode!) ?? [], path]);
  }
  using xattrs = new Xattrs();
  const rootBytes = latin1(new TextEncoder().encode(root));
  return rows.map((row) => treeEntry(row, { rootBytes, sums, devices, inodes, xattrs })).sort(byPath);
}

interface Details {
  readonly rootBytes: string;
  readonly sums: ReadonlyMap<string, string>;
  readonly devices: ReadonlyMap<string, string>;
  readonly inodes: ReadonlyMap<string, string[]>;
  readonly xattrs: Xattrs;
}

function treeEntry(row: readonly string[], details: Details): TreeEntry {
  const [path, kind, mode, uid, gid, mtime, size, target, inode] = row as [
    ...[string, string, string, string, string, string, string, string, string],
  ];
  const type = TYPES[kind];
  if (!type) throw new Error(`${details.rootBytes}/${path}: unknown file type ${kind}`);
  const names = details.inodes.get(inode) ?? [];
  return {
    path: path === "" ? "." : path,
    type,
    mode: parseInt(mode, 8),
    uid: Number(uid),
    gid: Number(gid),
    mtime: nineDigits(mtime),
    sizeBytes: type === "file" ? Number(size) : 0,
    ...type === "file" ? { sha256: details.sums.get(path) ?? "" } : {},
    ...type === "symlink" ? { target } : {},
    ...type === "char" || type === "block" ? { device: details.devices.get(path) ?? "" } : {},
    xattrs: details.xattrs.read(path === "" ? details.rootBytes : `${details.rootBytes}/${path}`),
    ...names.length > 1 ? { hardLinkGroup: [...names].sort()[0]! } : {},
  };
}

/** find prints ten decimals; the kernel keeps nine. */
function nineDigits(mtime: string): string {
  const [seconds, fraction = ""] = mtime.split(".");
  return `${seconds}.${fraction.padEnd(9, "0").slice(0, 9)}`;
}

async function sha256Sums(root: string): Promise<Map<string, string>> {
  const script = "find . -xdev -type f -print0 | xargs -0 -r sha256sum -z";
  const sums = new Map<string, string>();
  for (const line of split(await outputOf("sh", ["-c", script], root))) sums.set(line.slice(68), line.slice(0, 64));
  return sums;
}

async function deviceNumbers(root: string): Promise<Map<string, string>> {
  const script = "find . -xdev '(' -type c -o -type b ')' -print0 | xargs -0 -r stat --printf '%t:%T %n\\0'";
  const devices = new Map<string, string>();
  for (const line of split(await outputOf("sh", ["-c", script], root))) {
    const [, major, minor, path] = /^([0-9a-f]+):([0-9a-f]+) \.\/(.*)$/s.exec(line) ?? [];
    devices.set(path!, `${parseInt(major!, 16)}:${parseInt(minor!, 16)}`);
  }
  return devices;
}

async function outputOf(command: string, args: string[], cwd: string): Promise<string> {
  const done = await new Deno.Command(command, { args, cwd, env: { LC_ALL: "C" } }).output();
  if (!done.success) throw new Error(`${command} in ${cwd}: ${new TextDecoder().decode(done.stderr).slice(0, 1000)}`);
  return latin1(done.stdout);
}

function split(output: string): string[] {
  return output.split("\0").slice(0, -1);
}

function byPath(a: TreeEntry, b: TreeEntry): number {
  return a.path < b.path ? -1 : a.path > b.path ? 1 : 0;
}
