/**
 * @module
 * Extended attributes. Symbolic links, devices and FIFOs can't be opened for `fsetxattr`: pass the `l*` calls the path
 * `/proc/self/fd/N/name`, where N is a descriptor of the parent directory.
 */
import { checked, failed } from "./check.ts";
import { type CString, cText } from "./cstring.ts";
import { errnoOf } from "./errno.ts";
import { errno, libc } from "./libc.ts";

/** Calls on extended attributes. Every call throws {@link SysError}. A value is bytes; a name is `namespace.name`. */
export interface XattrCalls {
  /** `flags`: `XATTR.CREATE` or `XATTR.REPLACE`. */
  fsetxattr(fd: number, name: CString, value: Uint8Array, flags?: number): void;
  /** Returns the value, or undefined if the file has no such attribute. */
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

/** Calls with a small buffer first, and with the kernel's maximum if it was too small. */
function withGrowingBuffer(
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

/** Splits a list of NUL-terminated names. */
function names(list: Uint8Array | undefined): string[] {
  return list === undefined ? [] : decoder.decode(list).split("\0").slice(0, -1);
}

const view = (bytes: Uint8Array) => bytes as Uint8Array<ArrayBuffer>;

// SAFETY (all calls below): names end with NUL; lengths are those of the views, which live until the call returns.
/** The real {@link XattrCalls}. */
export const xattrs: XattrCalls = {
  fsetxattr: (fd, name, value, flags = 0) =>
    void checked(libc.fsetxattr(fd, name, view(value), BigInt(value.byteLength), flags), "fsetxattr", cText(name)),
  fgetxattr: (fd, name) => withGrowingBuffer((b) => libc.fgetxattr(fd, name, b, BigInt(b.length)), "fgetxattr", name),
  flistxattr: (fd) => names(withGrowingBuffer((b) => libc.flistxattr(fd, b, BigInt(b.length)), "flistxattr", fd)),
  fremovexattr: (fd, name) => void checked(libc.fremovexattr(fd, name), "fremovexattr", name),
  lsetxattr: (path, name, value, flags = 0) =>
    void checked(libc.lsetxattr(path, name, view(value), BigInt(value.byteLength), flags), "lsetxattr", path),
  lgetxattr: (path, name) =>
    withGrowingBuffer((b) => libc.lgetxattr(path, name, b, BigInt(b.length)), "lgetxattr", path),
  llistxattr: (path) => names(withGrowingBuffer((b) => libc.llistxattr(path, b, BigInt(b.length)), "llistxattr", path)),
  lremovexattr: (path, name) => void checked(libc.lremovexattr(path, name), "lremovexattr", path),
};
