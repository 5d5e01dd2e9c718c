/** Compares two tree listings, and reports one line per difference. */
import type { TreeEntry } from "./tree_listing.ts";

export interface TreeDiffOptions {
  /** Also compares the root directory itself ("."). */
  readonly includeRoot?: boolean;
  /** Entries (by path, on either side) to ignore. */
  readonly ignore?: (path: string) => boolean;
  /** Entries whose mtime may differ (e.g. directories that the container runtime wrote into). */
  readonly ignoreMtime?: (entry: TreeEntry) => boolean;
}

const FIELDS = [
  "type",
  "mode",
  "uid",
  "gid",
  "mtime",
  "sizeBytes",
  "sha256",
  "target",
  "device",
  "hardLinkGroup",
] as const;

/** Returns one line per difference; none if both are the same. */
export function diffTrees(
  expected: readonly TreeEntry[],
  actual: readonly TreeEntry[],
  options: TreeDiffOptions = {},
): string[] {
  const ignored = (path: string) => (path === "." && !options.includeRoot) || (options.ignore?.(path) ?? false);
  const left = new Map(expected.filter((entry) => !ignored(entry.path)).map((entry) => [entry.path, entry]));
  const right = new Map(actual.filter((entry) => !ignored(entry.path)).map((entry) => [entry.path, entry]));
  const findings: string[] = [];
  for (const [path, entry] of left) {
    const other = right.get(path);
    if (other) findings.push(...differences(entry, other, options));
    else findings.push(`${shown(path)}: missing (expected ${entry.type})`);
  }
  for (const [path, entry] of right) {
    if (!left.has(path)) findings.push(`${shown(path)}: not expected (${entry.type})`);
  }
  return findings;
}

function differences(expected: TreeEntry, actual: TreeEntry, options: TreeDiffOptions): string[] {
  const findings: string[] = [];
  for (const field of FIELDS) {
    if (field === "mtime" && options.ignoreMtime?.(expected)) continue;
    const [requested, got] = [expected[field], actual[field]];
    if (requested !== got) {
      findings.push(`${shown(expected.path)}: ${field} is ${print(field, got)}, expected ${print(field, requested)}`);
    }
  }
  const [requested, got] = [JSON.stringify(sorted(expected.xattrs)), JSON.stringify(sorted(actual.xattrs))];
  if (requested !== got) findings.push(`${shown(expected.path)}: xattrs are ${got}, expected ${requested}`);
  return findings;
}

const sorted = (record: Readonly<Record<string, string>>): [string, string][] => Object.entries(record).sort();
const shown = (path: string): string => JSON.stringify(path);
const print = (field: string, value: unknown): string => (
  field === "mode" && typeof value === "number" ? value.toString(8) : String(value)
);
