/**
 * @module
 * SHA-256 (FIPS 180-4) over streams. Every byte of an image goes through here twice: compressed (its digest) and
 * uncompressed (its diffID). Engines are rows of one table; nobody else names a hash library. It knows no streams and
 * no digest syntax. Invariants: an engine's code is loaded at its first use; a hasher never keeps the chunk it is given.
 */
import { createHashWasmSha256 } from "./hash_wasm.ts";
import type { HashState } from "./multi_buffer.ts";
import { createNativeSha256 } from "./native.ts";

/** One SHA-256 in the making. */
export interface Hasher {
  /** Takes the next bytes; the caller may reuse them right after. */
  update(bytes: Uint8Array): void;
  /** Ends the hash: 64 lower-case hex digits. Call once, and nothing after it. */
  digestHex(): string;
  /** Ends it here instead, so that another thread can go on with it. Only the engine that gains by that can do it. */
  suspend?(): HashState;
}

export type { HashState };
export { HASH_RINGS, HashRing, serveHashing } from "./ring.ts";
export { TransferableHashers } from "./transferable_hasher.ts";

/**
 * Every engine: our own kernels in WebAssembly, the library hash-wasm as reference and fallback, and node:crypto for those
 * who prefer native code.
 */
const ENGINES = {
  wasm: async () => (await import("./wasm.ts")).wasmSha256(),
  "hash-wasm": createHashWasmSha256,
  native: createNativeSha256,
} as const satisfies Record<string, () => Promise<Hasher>>;

/** Name of a hash engine, as the setting `hash.engine` has it. */
export type HashEngine = keyof typeof ENGINES;

/** The names that `hash.engine` may have. */
export const HASH_ENGINES: readonly HashEngine[] = Object.keys(ENGINES) as HashEngine[];

/** What is used where nothing was chosen. */
export const DEFAULT_HASH_ENGINE: HashEngine = "wasm";

/** Whether `name` is one of {@link HASH_ENGINES}. */
export function isHashEngine(name: string): name is HashEngine {
  return Object.hasOwn(ENGINES, name);
}

/** What this thread uses where nothing else is asked for. */
let chosen: HashEngine = DEFAULT_HASH_ENGINE;

/** Chooses the engine of this thread, once, before it hashes anything. */
export function chooseHashEngine(engine: HashEngine): void {
  chosen = engine;
}

/** The engine that is used where nothing else is asked for, as `tsd info` and `tsd version` name it. */
export function hashEngineName(): HashEngine {
  return chosen;
}

/** A new, independent hasher. */
export function createSha256(engine: HashEngine = chosen): Promise<Hasher> {
  return ENGINES[engine]();
}

/** SHA-256 of bytes that are in memory anyway (manifests, configs), as 64 lower-case hex digits. */
export async function sha256Hex(bytes: Uint8Array, engine: HashEngine = chosen): Promise<string> {
  const hasher = await createSha256(engine);
  hasher.update(bytes);
  return hasher.digestHex();
}
