/** Names in a layer: how they resolve, and which ones are markers (OCI image-spec v1.1, layer.md, "Whiteouts"). */
import { TsdError } from "../errors.ts";
import { type ByteString, quoted } from "../tar/mod.ts";

/** Linux's NAME_MAX, and PATH_MAX without its NUL. */
const COMPONENT_MAX_BYTES = 255;
export const PATH_MAX_BYTES = 4095;
/** Linux's XATTR_NAME_MAX, and XATTR_SIZE_MAX less one, since EROFS stores the size in 16 bits. */
const XATTR_NAME_MAX_BYTES = 255;
const XATTR_VALUE_MAX_BYTES = 65535;
/** EROFS's limit per inode (16 bits, in units of four bytes), less some space for our own mark. */
const XATTRS_MAX_BYTES = 262_000;

const WHITEOUT = ".wh.";
const AUFS = ".wh..wh.";
const OPAQUE = ".wh..wh..opq";

/** Rejects the layer because of an entry. @throws {TsdError} layer_invalid, always */
export function refuseEntry(path: ByteString, why: string): never {
  throw new TsdError("layer_invalid", `Invalid layer: entry ${quoted(path)} ${why}`);
}

/**
 * Splits a path into components below the layer's root: leading slashes refer to the root, `.` and empty components are
 * dropped, `..` removes the previous one.
 * @throws {TsdError} layer_invalid: it leads out of the root, or a component is too long for Linux
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

/** The meaning of a path's last component. */
export type NameRole =
  | { readonly kind: "plain" }
  /** Hides `target` in lower layers. */
  | { readonly kind: "whiteout"; readonly target: ByteString }
  /** Hides all entries of its directory in lower layers. */
  | { readonly kind: "opaque" }
  /** Metadata of aufs, which is not content. */
  | { readonly kind: "bookkeeping" };

const PLAIN: NameRole = { kind: "plain" };

/** Classifies a name. @throws {TsdError} layer_invalid: a whiteout of an empty name, of `.` or of `..` */
export function roleOf(name: ByteString, entryPath: ByteString): NameRole {
  if (!name.startsWith(WHITEOUT)) return PLAIN;
  if (name === OPAQUE) return { kind: "opaque" };
  if (name.startsWith(AUFS)) return { kind: "bookkeeping" };
  const target = name.slice(WHITEOUT.length);
  if (target === "" || target === "." || target === "..") refuseEntry(entryPath, "is a whiteout of no file");
  return { kind: "whiteout", target };
}

/**
 * Returns whether a directory of this name is metadata of aufs.
 * @throws {TsdError} layer_invalid: it is a whiteout's name
 */
export function isBookkeepingDir(name: ByteString, entryPath: ByteString): boolean {
  if (!name.startsWith(WHITEOUT)) return false;
  if (!name.startsWith(AUFS)) refuseEntry(entryPath, "stands below a whiteout");
  return true;
}

/** Names that Linux accepts: an xattr in a known namespace, or a POSIX ACL. */
const XATTR_NAME = /^(?:(?:user|trusted|security)\.[^]+|system\.posix_acl_(?:access|default))$/;

/** Approximate size of the xattrs on disk, in bytes. */
export function xattrBytes(xattrs: ReadonlyMap<ByteString, Uint8Array>): number {
  let bytes = 0;
  for (const [name, value] of xattrs) bytes += 8 + name.length + value.length;
  return bytes;
}

/**
 * Filters the xattrs that a layer may set: without those that control overlayfs, and those that no file system
 * supports.
 * @throws {TsdError} layer_invalid: larger than Linux's limits
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
