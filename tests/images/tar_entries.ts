/** The entries of a layer as plain data, with a short constructor for each kind. */
import { bytesOf, concat, type Text } from "./bytes.ts";

/** File content: bytes, or a size and a function that returns the chunks on each call. */
export type EntryData = Text | { readonly sizeBytes: number; readonly chunks: () => Iterable<Uint8Array> };

/** How to write a name that does not fit a plain header. "auto" is pax. */
export type LongNames = "auto" | "pax" | "gnu" | "ustar";

/** Owner, mode and the rest. Defaults: 0:0, 0644 (0755 for directories, 0777 for symlinks), mtime 1700000000. */
export interface EntryMetadata {
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  /** Whole seconds; a fraction goes into `pax: { mtime: "1700000000.123456789" }`. */
  readonly mtime?: number;
  readonly userName?: string;
  readonly groupName?: string;
  /** Extended attributes, written as `SCHILY.xattr.*` pax records. */
  readonly xattrs?: Readonly<Record<string, Text>>;
  /** Additional pax records, written unchanged. */
  readonly pax?: Readonly<Record<string, Text>>;
  readonly longNames?: LongNames;
}

/** One member of an archive. `raw` bytes are copied into the archive unchanged (whole blocks or not). */
export type TarEntry =
  | ({ readonly kind: "file"; readonly path: Text; readonly data: EntryData } & EntryMetadata)
  | ({ readonly kind: "dir" | "fifo"; readonly path: Text } & EntryMetadata)
  | ({ readonly kind: "symlink" | "hardlink"; readonly path: Text; readonly target: Text } & EntryMetadata)
  | ({
    readonly kind: "char" | "block";
    readonly path: Text;
    readonly major: number;
    readonly minor: number;
  } & EntryMetadata)
  | { readonly kind: "raw"; readonly bytes: Uint8Array };

export const file = (path: Text, data: EntryData = "", metadata: EntryMetadata = {}): TarEntry => (
  { kind: "file", path, data, ...metadata }
);

/** Returns a directory; a trailing slash is added when it is written. */
export const dir = (path: Text, metadata: EntryMetadata = {}): TarEntry => ({ kind: "dir", path, ...metadata });

export const symlink = (path: Text, target: Text, metadata: EntryMetadata = {}): TarEntry => (
  { kind: "symlink", path, target, ...metadata }
);

/** Returns a hard link; `target` is the path of an earlier member, as written in the archive. */
export const hardLink = (path: Text, target: Text, metadata: EntryMetadata = {}): TarEntry => (
  { kind: "hardlink", path, target, ...metadata }
);

export const charDevice = (path: Text, major: number, minor: number, metadata: EntryMetadata = {}): TarEntry => (
  { kind: "char", path, major, minor, ...metadata }
);

export const blockDevice = (path: Text, major: number, minor: number, metadata: EntryMetadata = {}): TarEntry => (
  { kind: "block", path, major, minor, ...metadata }
);

export const fifo = (path: Text, metadata: EntryMetadata = {}): TarEntry => ({ kind: "fifo", path, ...metadata });

export const rawBytes = (bytes: Uint8Array): TarEntry => ({ kind: "raw", bytes });

/** Returns a whiteout of `path` in the lower layers (OCI image-spec, layer.md "Whiteouts"). */
export function whiteout(path: Text): TarEntry {
  const bytes = bytesOf(path);
  const slash = bytes.lastIndexOf(0x2f);
  return file(concat([bytes.subarray(0, slash + 1), bytesOf(".wh."), bytes.subarray(slash + 1)]), "", { mode: 0 });
}

/** Hides everything that the lower layers have in the directory `path` ("" is the root). */
export function opaque(path: string): TarEntry {
  return file(path === "" ? ".wh..wh..opq" : `${path}/.wh..wh..opq`, "", { mode: 0 });
}

/** Returns the content of a file of the machine, read each time the archive is written. */
export function hostData(hostPath: string): EntryData {
  const sizeBytes = Deno.statSync(hostPath).size;
  return { sizeBytes, chunks: () => hostChunks(hostPath) };
}

/** Returns a copy of a file of the machine with its permission bits, owned by root unless `metadata` says otherwise. */
export function hostFile(path: string, hostPath: string, metadata: EntryMetadata = {}): TarEntry {
  const mode = (Deno.statSync(hostPath).mode ?? 0o644) & 0o7777;
  return file(path, hostData(hostPath), { mode, ...metadata });
}

function* hostChunks(hostPath: string): Iterable<Uint8Array> {
  using opened = Deno.openSync(hostPath);
  while (true) {
    const chunk = new Uint8Array(256 * 1024);
    const count = opened.readSync(chunk);
    if (count === null) return;
    yield chunk.subarray(0, count);
  }
}
