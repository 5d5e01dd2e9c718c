/** Names in a layer: where they lead, and which of them are commands (OCI image-spec v1.1, layer.md, "Whiteouts"). */
import { TsdError } from "../errors.ts";
import { type ByteString, quoted } from "../tar/mod.ts";

/** Linux: NAME_MAX, and PATH_MAX without its NUL. */
const COMPONENT_MAX_BYTES = 255;
export const PATH_MAX_BYTES = 4095;
/** Linux: XATTR_NAME_MAX and XATTR_SIZE_MAX. */
const XATTR_NAME_MAX_BYTES = 255;
const XATTR_VALUE_MAX_BYTES = 65536;

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
export function isBookkeepingFolder(name: ByteString, entryPath: ByteString): boolean {
  if (!name.startsWith(WHITEOUT)) return false;
  if (!name.startsWith(AUFS)) refuseEntry(entryPath, "stands below a whiteout");
  return true;
}

/**
 * Extended attributes that a layer may set: not those that steer overlayfs.
 * @throws {TsdError} layer_invalid: larger than Linux takes
 */
export function allowedXattrs(
  xattrs: ReadonlyMap<ByteString, Uint8Array>,
  entryPath: ByteString,
): ReadonlyMap<ByteString, Uint8Array> {
  let stripped: Map<ByteString, Uint8Array> | undefined;
  for (const [name, value] of xattrs) {
    if (name.length > XATTR_NAME_MAX_BYTES || value.length > XATTR_VALUE_MAX_BYTES) {
      refuseEntry(entryPath, "has an extended attribute that is too large");
    }
    if (!/^(trusted|user)\.overlay\./.test(name)) continue;
    stripped ??= new Map(xattrs);
    stripped.delete(name);
  }
  return stripped ?? xattrs;
}
