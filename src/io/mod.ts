/**
 * @module
 * Byte streams and durable files. Everything here is a `ReadableStream<Uint8Array>` that pulls: no blob is ever in memory
 * whole, backpressure goes through to the socket, and cancelling the end cancels the beginning. It knows no image, no
 * registry and no store.
 */
export { type Compression, compressionOf, decompressed, type DecompressionOptions } from "./decompressed.ts";
export { makeDirDurably, storageError, syncDir, writeFileDurably, writeSynced } from "./durable.ts";
export { cancellable, cancelQuietly, collectBytes, concatenated, inspected, type Inspector } from "./streams.ts";
export { streamOf, throwIfCancelled, untilCancelled } from "./streams.ts";
export { type Expectation, hashed, verified } from "./verified.ts";
