/**
 * @module
 * SHA-256 (FIPS 180-4) over streams. Every byte of an image is hashed twice: compressed (its digest) and uncompressed
 * (its diffID). The engines are rows of one table; no other module names a hash library. The module knows neither
 * streams nor the digest syntax. Invariants: an engine's code is loaded on first use; a hasher never keeps a chunk.
 */
import { createHashWasmSha256 } from "./hash_wasm.ts";
import type { HashState } from "./multi_buffer.ts";
import { createNativeSha256 } from "./native.ts";

/** A SHA-256 computation in progress. */
export interface Hasher {
  /** Adds the next bytes; the caller may reuse them afterwards. */
  update(bytes: Uint8Array): void;
  /** Returns the digest, 64 lower-case hex digits. Call it once, as the last call. */
  digestHex(): string;
  /**
   * Ends this hasher and returns its state, so that another thread can continue. Only engines that support it have this
   * method.
   */
  suspend?(): HashState;
}

export type { HashState };
export { HASH_RINGS, HashRing, serveHashing } from "./ring.ts";
export { TransferableHashers } from "./transferable_hasher.ts";

/**
 * Every engine: the WebAssembly kernels of this project, the library hash-wasm as reference and fallback, and
 * node:crypto for native code.
 */
const ENGINES = {
  wasm: async () => (await import("./wasm.ts")).wasmSha256(),
  "hash-wasm": createHashWasmSha256,
  native: createNativeSha256,
} as const satisfies Record<string, () => Promise<Hasher>>;

/** Name of a hash engine, as in the setting `hash.engine`. */
export type HashEngine = keyof typeof ENGINES;

/** The valid values of `hash.engine`. */
export const HASH_ENGINES: readonly HashEngine[] = Object.keys(ENGINES) as HashEngine[];

/** The engine if none is configured. */
export const DEFAULT_HASH_ENGINE: HashEngine = "wasm";

/** Returns whether `name` is one of {@link HASH_ENGINES}. */
export function isHashEngine(name: string): name is HashEngine {
  return Object.hasOwn(ENGINES, name);
}

/** This thread's default engine. */
let defaultEngine: HashEngine = DEFAULT_HASH_ENGINE;

/** Sets this thread's default engine. Call it once, before the thread hashes anything. */
export function setDefaultHashEngine(engine: HashEngine): void {
  defaultEngine = engine;
}

/** Returns this thread's default engine, as shown by `tsd info` and `tsd version`. */
export function hashEngineName(): HashEngine {
  return defaultEngine;
}

/** Creates a new, independent hasher. */
export function createSha256(engine: HashEngine = defaultEngine): Promise<Hasher> {
  return ENGINES[engine]();
}

/** Returns the SHA-256 of bytes in memory (manifests, configs) as 64 lower-case hex digits. */
export async function sha256Hex(bytes: Uint8Array, engine: HashEngine = defaultEngine): Promise<string> {
  const hasher = await createSha256(engine);
  hasher.update(bytes);
  return hasher.digestHex();
}
