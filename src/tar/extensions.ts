/** Collects the extended headers before an entry and applies them to it. Pure. */
import type { ByteString } from "./byte_string.ts";
import type { TarEntryType, TarHeader } from "./entry.ts";
import { type HeaderBlock, parseDevice } from "./header.ts";
import { parseDecimal, parseTime, rejectTar } from "./numbers.ts";
import { checkedName, mergeGlobal, parseLongName, parsePax, type PaxRecords, xattrsOf } from "./pax.ts";
import { type SparseHeader, sparseOfPax } from "./sparse.ts";

/** Highest user or group id: the next one means "unchanged" to chown(2). */
const ID_MAX = 0xffff_fffe;

const TYPES: Readonly<Record<string, TarEntryType>> = {
  "0": "file",
  "7": "file",
  "S": "file",
  "1": "link",
  "2": "symlink",
  "3": "character",
  "4": "block",
  "5": "directory",
  "6": "fifo",
};

/**
 * Returns whether `flag` is the type of an extended header, which applies to the next entry (`g`: to all that follow).
 * `X` is Solaris's variant of `x`.
 */
export function isExtension(flag: string): boolean {
  return flag === "x" || flag === "g" || flag === "L" || flag === "K" || flag === "X";
}

/** A header with all extended headers applied, and how its data is stored. */
export interface ResolvedHeader {
  readonly header: TarHeader;
  /** Bytes that follow in the archive, without padding. */
  readonly bodyBytes: number;
  readonly sparse: SparseHeader | undefined;
}

/** Collects extended headers and applies them. */
export class Extensions {
  readonly #globals = new Map<ByteString, ByteString>();
  #records: PaxRecords | undefined;
  #longName: ByteString | undefined;
  #longLink: ByteString | undefined;

  /** Whether an extended header was added that has no entry yet. */
  get isPending(): boolean {
    return this.#records !== undefined || this.#longName !== undefined || this.#longLink !== undefined;
  }

  /** Adds an extended header. @throws {TsdError} layer_invalid */
  add(flag: string, body: Uint8Array): void {
    if (flag === "L") this.#longName = parseLongName(body);
    else if (flag === "K") this.#longLink = parseLongName(body);
    else if (flag === "g") mergeGlobal(this.#globals, parsePax(body));
    else this.#records = parsePax(body);
  }

  /** Returns the entry that `block` and the extended headers before it describe. @throws {TsdError} layer_invalid */
  resolve(raw: HeaderBlock, block: Uint8Array): ResolvedHeader {
    const values = this.#records?.values;
    const sparse = this.#records === undefined ? undefined : sparseOfPax(this.#records);
    const path = checkedName(sparse?.name ?? this.#longName ?? record(values, "path") ?? raw.name);
    const type = typeOf(raw, path);
    const bodyBytes = type === "file" ? numberOr(record(values, "size"), "size", raw.size) : 0;
    const mtime = record(values, "mtime") ?? record(this.#globals, "mtime");
    const time = mtime === undefined ? { seconds: raw.mtime, nanos: 0 } : parseTime(mtime, "mtime");
    const device = type === "character" || type === "block" ? parseDevice(block) : { major: 0, minor: 0 };
    const header: TarHeader = {
      type,
      path,
      linkPath: type === "symlink" || type === "link"
        ? checkedName(this.#longLink ?? record(values, "linkpath") ?? raw.linkName)
        : "",
      mode: raw.mode & 0o7777,
      uid: this.#id("uid", raw.uid),
      gid: this.#id("gid", raw.gid),
      mtimeSeconds: time.seconds,
      mtimeNanos: time.nanos,
      sizeBytes: type === "file" ? sparse?.realSizeBytes ?? bodyBytes : 0,
      deviceMajor: device.major,
      deviceMinor: device.minor,
      xattrs: xattrsOf(this.#globals, values),
    };
    this.#records = this.#longName = this.#longLink = undefined;
    return { header, bodyBytes, sparse: type === "file" ? sparse : undefined };
  }

  #id(key: "uid" | "gid", fromBlock: number): number {
    const text = record(this.#records?.values, key) ?? record(this.#globals, key);
    const id = numberOr(text, key, fromBlock);
    if (id < 0 || id > ID_MAX) rejectTar(`an entry has the ${key} ${id}`);
    return id;
  }
}

/** Returns a record's value; an empty one means that the header block's value applies. */
function record(values: ReadonlyMap<ByteString, ByteString> | undefined, key: string): ByteString | undefined {
  const value = values?.get(key);
  return value === "" ? undefined : value;
}

function numberOr(text: ByteString | undefined, field: string, fallback: number): number {
  return text === undefined ? fallback : parseDecimal(text, field);
}

function typeOf(raw: HeaderBlock, path: ByteString): TarEntryType {
  // V7 has no type for directories.
  if (raw.isOldFile && path.endsWith("/")) return "directory";
  const type = TYPES[raw.flag];
  if (type === undefined) {
    return rejectTar(
      `entries of type ${JSON.stringify(raw.flag)} aren't supported (multi-volume or incremental archives)`,
    );
  }
  return type;
}
