/**
 * @module
 * The `hash-wasm` engine. Imports only the library's SHA-256 file (22 KB; its index takes twice as long), when the
 * first hasher is created.
 */
import type { createSHA256 } from "hash-wasm";
import type { Hasher } from "./mod.ts";

/** Creates a hasher with its own WebAssembly instance, so that several streams can interleave. */
export async function createHashWasmSha256(): Promise<Hasher> {
  const library: { default: { createSHA256: typeof createSHA256 } } = await import(
    "hash-wasm/dist/sha256.umd.min.js"
  );
  const state = (await library.default.createSHA256()).init();
  return {
    update: (bytes) => void state.update(bytes),
    digestHex: () => state.digest("hex"),
  };
}
