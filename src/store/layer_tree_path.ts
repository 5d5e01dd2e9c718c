/** Names in a layer: where they lead, and which of them are commands (OCI image-spec v1.1, layer.md, "Whiteouts"). */
import { TsdError } from "../errors.ts";
import { type ByteString, quoted } from "../tar/mod.ts";

/** Linux: NAME_MAX, and PATH_MAX without its NUL. */
const COMPONENT_MAX_BYTES = 255;
export const PATH_MAX_BYTES = 4095;
/** Linux: XATTR_NAME_MAX, and one less than XATTR_SIZE_MAX, as EROFS counts in 16 bits. */
const XATTR_NAME_MAX_BYTES = 255;
const XATTR_VALUE_MAX_BYTES = 65535;
/** What EROFS can count of one inode (16 bits, in units of four bytes), with room for a mark of our own. */
const XATTRS_MAX_BYTES = 262_000;

const WHITEOUT = ".wh.";
const AUFS = ".wh..wh.";
const OPAQUE = ".wh..wh..opq";

/** @throws {TsdError} layer_invalid, always */
export function refuseEntry(path: ByteString, why: string): never {
  throw new TsdError("layer_invalid", `Invalid layer: entry ${quoted(path)} ${why}`);
}

/**
 * The components of a path below the layer's root: leading slashes mean the root, `.` and empty ones are dropped, `..`
 * takes one back.
 * @throws {TsdError} layer_invalid: it leads out of the root, or is too long for Linux
 */
export function splitPath(path: ByteString, entryPath: ByteString = path): ByteString[] {
  const components: ByteString[] = [];
  for (const part of path.split("/")) {
    if (part === "" || part === ".") continue;
    if (part === "..") {
      if (components.pop() === undefined) refuseEntry(entryPath, "leads out of the layer");
    } else {
      if (part.length > COMPONENT_MAX_BYTES) refuseEntry(entryPath, `has a name over ${COMPONENT_MAX_BYTES} bytes`);
      components.push(part);
    }
  }
  return components;
}

/** What the last component of a name means. */
export type NameRole =
  | { readonly kind: "plain" }
  /** Hides `target` of lower layers. */
  | { readonly kind: "whiteout"; readonly target: ByteString }
  /** Hides everything that lower layers have in its folder. */
  | { readonly kind: "opaque" }
  /** Bookkeeping of aufs, not content. */
  | { readonly kind: "bookkeeping" };

const PLAIN: NameRole = { kind: "plain" };

/** @throws {TsdError} layer_invalid: a whiteout of nothing, of `.` or of `..` */
export function roleOf(name: ByteString, entryPath: ByteString): NameRole {
  if (!name.startsWith(WHITEOUT)) return PLAIN;
  if (name === OPAQUE) return { kind: "opaque" };
  if (name.startsWith(AUFS)) return { kind: "bookkeeping" };
  const target = name.slice(WHITEOUT.length);
  if (target === "" || target === "." || target === "..") refuseEntry(entryPath, "is a whiteout of no file");
  return { kind: "whiteout", target };
}

/** Whether a folder of this name is bookkeeping of aufs. @throws {TsdError} layer_invalid: it is a whiteout's name */
export function isBookkeepingDir(name: ByteString, entryPath: ByteString): boolean {
  if (!name.startsWith(WHITEOUT)) return false;
  if (!name.startsWith(AUFS)) refuseEntry(entryPath, "stands below a whiteout");
  return true;
}

/** Names that Linux knows: a namespace and more, or an access list. */
const XATTR_NAME = /^(?:(?:user|trusted|security)\.[^]+|system\.posix_acl_(?:access|default))$/;

/** Bytes that the attributes take on a disk, roughly. */
export function xattrBytes(xattrs: ReadonlyMap<ByteString, Uint8Array>): number {
  let bytes = 0;
  for (const [name, value] of xattrs) bytes += 8 + name.length + value.length;
  return bytes;
}

/**
 * Extended attributes that a layer may set: not those that steer overlayfs, nor those that no file system has.
 * @throws {TsdError} layer_invalid: larger than Linux takes
 */
export function allowedXattrs(
  xattrs: ReadonlyMap<ByteString, Uint8Array>,
  entryPath: ByteString,
): ReadonlyMap<ByteString, Uint8Array> {
  let stripped: Map<ByteString, Uint8Array> | undefined;
  if (xattrBytes(xattrs) > XATTRS_MAX_BYTES) refuseEntry(entryPath, "has too many extended attributes");
  for (const [name, value] of xattrs) {
    if (name.length > XATTR_NAME_MAX_BYTES || value.length > XATTR_VALUE_MAX_BYTES) {
      refuseEntry(entryPath, "has an extended attribute that is too large");
    }
    if (!/^(trusted|user)\.overlay\./.test(name) && XATTR_NAME.test(name)) continue;
    stripped ??= new Map(xattrs);
    stripped.delete(name);
  }
  return stripped ?? xattrs;
}
