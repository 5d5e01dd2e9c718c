/**
 * @module
 * Addresses of buffers of this process, for structures that hold pointers.
 */

/**
 * Returns the address of a buffer's first byte. It is valid for as long as the buffer is reachable: V8 doesn't move the
 * memory of a buffer whose address was taken. So use the buffer once more after the call.
 * @param buffer not empty
 */
export function addressOf(buffer: Uint8Array<ArrayBuffer> | BigUint64Array<ArrayBuffer>): bigint {
  // SAFETY: only the number is made here; the caller keeps the buffer alive while the address is in use.
  return BigInt(Deno.UnsafePointer.value(Deno.UnsafePointer.of(buffer)));
}
