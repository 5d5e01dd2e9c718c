/**
 * Extended attributes of real files, through libc. Tests have a separate binding so that they do not check the engine's
 * code against itself. Paths are byte strings (each char code is one byte); a symlink as the last component is not
 * followed.
 */
const LIBRARY = {
  llistxattr: { parameters: ["buffer", "buffer", "usize"], result: "isize" },
  lgetxattr: { parameters: ["buffer", "buffer", "buffer", "usize"], result: "isize" },
  lsetxattr: { parameters: ["buffer", "buffer", "buffer", "usize", "i32"], result: "i32" },
} as const;

const LARGEST_BYTES = 64 * 1024; // XATTR_SIZE_MAX and XATTR_LIST_MAX (linux/limits.h)

export class Xattrs implements Disposable {
  readonly #library = Deno.dlopen("libc.so.6", LIBRARY);
  readonly #names = new Uint8Array(LARGEST_BYTES);
  readonly #value = new Uint8Array(LARGEST_BYTES);

  /** Returns all attributes of `path`, values in hex, sorted by name. */
  read(path: string): Record<string, string> {
    const pathBytes = cString(path);
    // SAFETY: the path ends in NUL, the buffer is ours and its length is passed; the call is synchronous.
    const length = this.#library.symbols.llistxattr(pathBytes, this.#names, BigInt(LARGEST_BYTES));
    if (length < 0n) throw new Error(`llistxattr ${JSON.stringify(path)} failed`);
    const names = latin1(this.#names.subarray(0, Number(length))).split("\0").filter((name) => name !== "").sort();
    return Object.fromEntries(names.map((name) => [name, this.#get(pathBytes, path, name)]));
  }

  /** Sets one attribute. */
  write(path: string, name: string, value: Uint8Array<ArrayBuffer>): void {
    // SAFETY: path and name end in NUL, the value's length is passed; the call is synchronous.
    const result = this.#library.symbols.lsetxattr(cString(path), cString(name), value, BigInt(value.length), 0);
    if (result !== 0) throw new Error(`lsetxattr ${JSON.stringify(path)} ${name} failed`);
  }

  [Symbol.dispose](): void {
    this.#library.close();
  }

  #get(pathBytes: Uint8Array<ArrayBuffer>, path: string, name: string): string {
    // SAFETY: path and name end in NUL, the buffer is ours and its length is passed; the call is synchronous.
    const length = this.#library.symbols.lgetxattr(pathBytes, cString(name), this.#value, BigInt(LARGEST_BYTES));
    if (length < 0n) throw new Error(`lgetxattr ${JSON.stringify(path)} ${name} failed`);
    return this.#value.subarray(0, Number(length)).toHex();
  }
}

/** Returns the bytes of a byte string, with a trailing NUL. */
function cString(byteString: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(byteString + "\0", (char) => char.charCodeAt(0));
}

/** Returns bytes as a byte string: each byte is one char code. */
export function latin1(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return text;
}
