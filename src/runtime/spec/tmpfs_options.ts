/**
 * @module
 * Options of a tmpfs mount: Docker's defaults and the user's. Of options of the same kind, the last one applies.
 */
import { TsdError } from "../../errors.ts";

/** Mutually exclusive options: only the last one of a group applies. */
const FLAG_GROUPS: readonly (readonly string[])[] = [
  ["ro", "rw"],
  ["suid", "nosuid"],
  ["dev", "nodev"],
  ["exec", "noexec"],
  ["sync", "async"],
  ["dirsync"],
  ["mand", "nomand"],
  ["atime", "noatime"],
  ["diratime", "nodiratime"],
  ["relatime", "norelatime"],
  ["strictatime", "nostrictatime"],
  ["private", "rprivate", "shared", "rshared", "slave", "rslave", "unbindable", "runbindable"],
];
const DATA_OPTIONS = new Set(["size", "mode", "uid", "gid", "nr_inodes", "nr_blocks", "mpol"]);
const DEFAULTS = ["noexec", "nosuid", "nodev", "rprivate"];

/** Returns the effective options. @throws {TsdError} invalid_argument with Docker's text for an unknown option */
export function mergeTmpfsOptions(userOptions: readonly string[]): string[] {
  const kinds = new Set<string>();
  const merged: string[] = [];
  for (const option of [...DEFAULTS, ...userOptions].reverse()) {
    if (option === "defaults") continue;
    const kind = kindOf(option);
    if (!kinds.has(kind)) merged.unshift(option);
    kinds.add(kind);
  }
  return merged;
}

/** Returns the options for `--mount type=tmpfs`. `modeBits` are the permission bits. */
export function tmpfsOptions(
  { sizeBytes, modeBits, readOnly }: { sizeBytes?: number; modeBits?: number; readOnly?: boolean },
): string[] {
  const options = readOnly ? ["ro"] : [];
  if (modeBits) options.push(`mode=${modeBits.toString(8)}`);
  if (sizeBytes) options.push(`size=${sizeBytes}`);
  return options;
}

function kindOf(option: string): string {
  const group = FLAG_GROUPS.findIndex((flags) => flags.includes(option));
  if (group >= 0) return `flag ${group}`;
  const [key, ...value] = option.split("=");
  if (value.length > 0 && DATA_OPTIONS.has(key)) return key;
  const parts = [key, ...value.length > 0 ? [value.join("=")] : []].map((part) => JSON.stringify(part));
  throw new TsdError("invalid_argument", `invalid tmpfs option [${parts.join(" ")}]`);
}
