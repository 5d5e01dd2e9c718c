/** Writes entries as a tar archive (ustar, with pax or GNU extensions where a name or number needs them). */
import { type Bytes, bytesOf, concat, type Text } from "./bytes.ts";
import { BLOCK_BYTES, encodeHeader } from "./tar_header.ts";
import type { EntryData, TarEntry } from "./tar_entries.ts";

const TYPE_FLAGS = { file: "0", hardlink: "1", symlink: "2", char: "3", block: "4", dir: "5", fifo: "6" } as const;
const DEFAULT_MODES = {
  file: 0o644,
  hardlink: 0o644,
  symlink: 0o777,
  char: 0o600,
  block: 0o600,
  dir: 0o755,
  fifo: 0o600,
};
export const DEFAULT_MTIME = 1_700_000_000;
const LARGEST_OCTAL_ID = 0o7777777;

type NamedEntry = Exclude<TarEntry, { kind: "raw" }>;

export interface TarOptions {
  /** Omits the two zero blocks at the end. */
  readonly incomplete?: boolean;
}

/** Yields the archive in chunks. */
export function* tarChunks(entries: Iterable<TarEntry>, options: TarOptions = {}): Iterable<Uint8Array> {
  for (const entry of entries) {
    if (entry.kind === "raw") yield entry.bytes;
    else yield* memberChunks(entry);
  }
  if (!options.incomplete) yield new Uint8Array(2 * BLOCK_BYTES);
}

/** Returns the whole archive; only for small ones. */
export function tarBytes(entries: Iterable<TarEntry>, options: TarOptions = {}): Bytes {
  return concat([...tarChunks(entries, options)]);
}

/** Returns a pax extended header (type x, or g for a global one) with its records. */
export function paxMember(records: Readonly<Record<string, Text>>, type: "x" | "g" = "x"): Bytes {
  const body = concat(Object.entries(records).map(([key, value]) => paxRecord(key, bytesOf(value))));
  return concat([encodeHeader({ name: "PaxHeaders/0", type, size: body.length, mode: 0o644 }), padded(body)]);
}

/** Pads `body` with zeros to the next whole block. */
export function padded(body: Uint8Array): Bytes {
  return concat([body, new Uint8Array(paddingOf(body.length))]);
}

function* memberChunks(entry: NamedEntry): Iterable<Uint8Array> {
  const path = entry.kind === "dir" ? dirName(entry.path) : bytesOf(entry.path);
  const target = "target" in entry ? bytesOf(entry.target) : new Uint8Array();
  const data = entry.kind === "file" ? contentOf(entry.data) : undefined;
  const split = entry.longNames === "ustar" ? splitPrefix(path) : { name: path, prefix: new Uint8Array() };
  if (entry.longNames === "gnu") yield* gnuNames(path, target);
  const pax = paxRecords(entry, path, target);
  if (Object.keys(pax).length > 0) yield paxMember(pax);
  yield encodeHeader({
    ...split,
    linkName: target,
    type: TYPE_FLAGS[entry.kind],
    mode: entry.mode ?? DEFAULT_MODES[entry.kind],
    uid: entry.uid ?? 0,
    gid: entry.gid ?? 0,
    mtime: entry.mtime ?? DEFAULT_MTIME,
    size: data?.sizeBytes ?? 0,
    userName: entry.userName,
    groupName: entry.groupName,
    major: "major" in entry ? entry.major : 0,
    minor: "minor" in entry ? entry.minor : 0,
    magic: entry.longNames === "gnu" ? "gnu" : "ustar",
  });
  if (data) yield* dataChunks(data);
}

function* dataChunks(data: Exclude<EntryData, Text>): Iterable<Uint8Array> {
  let count = 0;
  for (const chunk of data.chunks()) {
    count += chunk.length;
    yield chunk;
  }
  if (count !== data.sizeBytes) {
    throw new Error(`A member's data has ${count} bytes, its header says ${data.sizeBytes}`);
  }
  const padding = paddingOf(count);
  if (padding > 0) yield new Uint8Array(padding);
}

function contentOf(data: EntryData): Exclude<EntryData, Text> {
  if (typeof data !== "string" && !(data instanceof Uint8Array)) return data;
  const bytes = bytesOf(data);
  return { sizeBytes: bytes.length, chunks: () => [bytes] };
}

function paxRecords(entry: NamedEntry, path: Uint8Array, target: Uint8Array): Record<string, Text> {
  const naming = entry.longNames ?? "auto";
  const records: Record<string, Text> = {};
  if (naming === "pax" || (naming === "auto" && needsPax(path))) records.path = path;
  if (target.length > 0 && (naming === "pax" || (naming === "auto" && needsPax(target)))) records.linkpath = target;
  if ((entry.uid ?? 0) > LARGEST_OCTAL_ID) records.uid = String(entry.uid);
  if ((entry.gid ?? 0) > LARGEST_OCTAL_ID) records.gid = String(entry.gid);
  for (const [name, value] of Object.entries(entry.xattrs ?? {})) records[`SCHILY.xattr.${name}`] = value;
  return { ...records, ...entry.pax };
}

function* gnuNames(path: Uint8Array, target: Uint8Array): Iterable<Uint8Array> {
  if (target.length > 100) yield gnuLongName(target, "K");
  if (path.length > 100) yield gnuLongName(path, "L");
}

/** Returns a GNU long name (`L`) or long link (`K`) member. */
export function gnuLongName(name: Uint8Array, type: "L" | "K"): Bytes {
  const header = encodeHeader({ name: "././@LongLink", type, size: name.length + 1, magic: "gnu" });
  return concat([header, padded(concat([name, new Uint8Array(1)]))]);
}

function splitPrefix(path: Uint8Array): { name: Uint8Array; prefix: Uint8Array } {
  if (path.length <= 100) return { name: path, prefix: new Uint8Array() };
  const slash = path.indexOf(0x2f, path.length - 101);
  if (slash < 0 || slash > 155) throw new Error("The name does not fit ustar's name and prefix");
  return { name: path.subarray(slash + 1), prefix: path.subarray(0, slash) };
}

/** Encodes "<length> key=value\n", where the length includes itself. */
function paxRecord(key: string, value: Uint8Array): Bytes {
  const rest = concat([bytesOf(` ${key}=`), value, bytesOf("\n")]);
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return concat([bytesOf(String(length)), rest]);
}

const dirName = (path: Text): Bytes => {
  const bytes = bytesOf(path);
  return bytes.at(-1) === 0x2f ? bytes : concat([bytes, bytesOf("/")]);
};
const paddingOf = (sizeBytes: number): number => (BLOCK_BYTES - (sizeBytes % BLOCK_BYTES)) % BLOCK_BYTES;
const needsPax = (name: Uint8Array): boolean => name.length > 100 || name.some((byte) => byte >= 0x80);
