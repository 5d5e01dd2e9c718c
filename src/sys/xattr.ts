/**
 * @module
 * Extended attributes. Links, devices and FIFOs can't be opened for `fsetxattr`: give the `l*` calls the path
 * `/proc/self/fd/N/name` of a folder that is held open.
 */
import { checked, failed } from "./check.ts";
import { type CString, cText } from "./cstring.ts";
import { errnoOf } from "./errno.ts";
import { errno, libc } from "./libc.ts";

/** Every call throws {@link SysError}. A value is bytes; a name is `namespace.name`. */
export interface XattrCalls {
  /** `flags`: `XATTR.CREATE` or `XATTR.REPLACE`. */
  fsetxattr(fd: number, name: CString, value: Uint8Array, flags?: number): void;
  /** The value, or undefined when the file has no such attribute. */
  fgetxattr(fd: number, name: CString): Uint8Array<ArrayBuffer> | undefined;
  flistxattr(fd: number): string[];
  fremovexattr(fd: number, name: CString): void;
  lsetxattr(path: CString, name: CString, value: Uint8Array, flags?: number): void;
  lgetxattr(path: CString, name: CString): Uint8Array<ArrayBuffer> | undefined;
  llistxattr(path: CString): string[];
  lremovexattr(path: CString, name: CString): void;
}

const ERANGE = errnoOf("ERANGE");
const ENODATA = errnoOf("ENODATA");
const decoder = new TextDecoder();
// The kernel's XATTR_SIZE_MAX and XATTR_LIST_MAX.
const MAX_BYTES = 65536;
const FIRST_TRY_BYTES = 1024;

/** Calls with a small buffer first and with the largest that the kernel knows when that was too small. */
function grown(
  call: (buffer: Uint8Array<ArrayBuffer>) => bigint,
  name: string,
  subject: CString | number,
): Uint8Array<ArrayBuffer> | undefined {
  for (const sizeBytes of [FIRST_TRY_BYTES, MAX_BYTES]) {
    const buffer = new Uint8Array(sizeBytes);
    const length = call(buffer);
    if (length >= 0n) return buffer.slice(0, Number(length));
    const code = errno();
    if (code === ENODATA) return undefined;
    if (code !== ERANGE || sizeBytes === MAX_BYTES) failed(code, name, subject);
  }
  return undefined;
}

/** Splits the kernel's list, whose names each end with NUL. */
function names(list: Uint8Array | undefined): string[] {
  return list === undefined ? [] : decoder.decode(list).split("\0").slice(0, -1);
}

const view = (bytes: Uint8Array) => bytes as Uint8Array<ArrayBuffer>;

// SAFETY (all calls below): names end with NUL; lengths are those of the views, which live until the call returns.
/** The real {@link XattrCalls}. */
export const xattrs: XattrCalls = {
  fsetxattr: (fd, name, value, flags = 0) =>
    void checked(libc.fsetxattr(fd, name, view(value), BigInt(value.byteLength), flags), "fsetxattr", cText(name)),
  fgetxattr: (fd, name) => grown((b) => libc.fgetxattr(fd, name, b, BigInt(b.length)), "fgetxattr", name),
  flistxattr: (fd) => names(grown((b) => libc.flistxattr(fd, b, BigInt(b.length)), "flistxattr", fd)),
  fremovexattr: (fd, name) => void checked(libc.fremovexattr(fd, name), "fremovexattr", name),
  lsetxattr: (path, name, value, flags = 0) =>
    void checked(libc.lsetxattr(path, name, view(value), BigInt(value.byteLength), flags), "lsetxattr", path),
  lgetxattr: (path, name) => grown((b) => libc.lgetxattr(path, name, b, BigInt(b.length)), "lgetxattr", path),
  llistxattr: (path) => names(grown((b) => libc.llistxattr(path, b, BigInt(b.length)), "llistxattr", path)),
  lremovexattr: (path, name) => void checked(libc.lremovexattr(path, name), "lremovexattr", path),
};
