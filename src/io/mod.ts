/**
 * @module
 * Byte streams and durable files. All streams are pulled `ReadableStream<Uint8Array>`s: no blob is ever in memory as a
 * whole, backpressure reaches the socket, and cancelling the result cancels the source. The module knows nothing of
 * images, registries or the store.
 */
export { type Compression, compressionOf, decompressed, type DecompressionOptions } from "./decompressed.ts";
export { makeDirDurably, storageError, syncDir, writeFileDurably, writeSynced } from "./durable.ts";
export { cancellable, cancelQuietly, collectBytes, concatenated, inspected, type Inspector } from "./streams.ts";
export { streamOf, throwIfCancelled, untilCancelled } from "./streams.ts";
export { type Expectation, hashed, verified } from "./verified.ts";
