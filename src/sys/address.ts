/**
 * @module
 * Addresses of our own memory, for structures that hold pointers.
 */

/**
 * The address of a buffer's first byte, which mustn't be empty. It is valid for as long as the buffer is reachable: V8
 * doesn't move the memory of a buffer whose address was asked for. So use the buffer once more after the call.
 */
export function addressOf(buffer: Uint8Array<ArrayBuffer> | BigUint64Array<ArrayBuffer>): bigint {
  // SAFETY: only the number is made here; whoever passes it on keeps the buffer.
  return BigInt(Deno.UnsafePointer.value(Deno.UnsafePointer.of(buffer)));
}
