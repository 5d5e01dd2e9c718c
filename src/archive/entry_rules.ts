/**
 * Rules for names and attributes of archive entries. Archives are untrusted: these are pure checks, made before any
 * file is touched.
 */
import { TsdError } from "../errors.ts";
import { type ByteString, quoted } from "../tar/mod.ts";

/** Linux: NAME_MAX, PATH_MAX without its NUL, XATTR_NAME_MAX and XATTR_SIZE_MAX. */
const NAME_MAX_BYTES = 255;
const PATH_MAX_BYTES = 4095;
const XATTR_NAME_MAX_BYTES = 255;
const XATTR_VALUE_MAX_BYTES = 65536;

/** Rejects an entry. @throws {TsdError} archive_invalid, always */
export function rejectEntry(path: ByteString, why: string): never {
  throw new TsdError("archive_invalid", `Cannot unpack ${quoted(path)}: ${why}`);
}

/**
 * Splits a path into its names below the target directory; a leading slash means that directory too.
 * @throws {TsdError} archive_invalid if the path leads outside of it, or is too long for Linux
 */
export function namesOf(path: ByteString, entryPath: ByteString = path): ByteString[] {
  const names: ByteString[] = [];
  let sizeBytes = 0;
  for (const name of path.split("/")) {
    if (name === "" || name === ".") continue;
    if (name === "..") {
      if (names.pop() === undefined) rejectEntry(entryPath, "it is outside of the folder that it is unpacked to");
      continue;
    }
    if (name.length > NAME_MAX_BYTES) rejectEntry(entryPath, `a name in it is longer than ${NAME_MAX_BYTES} bytes`);
    sizeBytes += name.length + 1;
    if (sizeBytes > PATH_MAX_BYTES) rejectEntry(entryPath, `it is longer than ${PATH_MAX_BYTES} bytes`);
    names.push(name);
  }
  return names;
}

/**
 * Yields the extended attributes that may be set: those of the `user` namespace, ACLs, and optionally capabilities.
 * Attributes that belong to the machine (overlayfs's, labels of security modules) are not taken from archives.
 * @throws {TsdError} archive_invalid if an attribute is larger than Linux supports
 */
export function* settableXattrs(
  xattrs: ReadonlyMap<ByteString, Uint8Array>,
  entryPath: ByteString,
  { capabilities }: { readonly capabilities: boolean },
): Generator<readonly [ByteString, Uint8Array]> {
  for (const [name, value] of xattrs) {
    if (name.length > XATTR_NAME_MAX_BYTES || value.length > XATTR_VALUE_MAX_BYTES) {
      rejectEntry(entryPath, "it has an extended attribute that is too large");
    }
    const isUser = name.startsWith("user.") && !name.startsWith("user.overlay.");
    const isAcl = name === "system.posix_acl_access" || name === "system.posix_acl_default";
    if (isUser || isAcl || (capabilities && name === "security.capability")) yield [name, value];
  }
}
