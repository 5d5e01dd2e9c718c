/**
 * @module
 * The `hash-wasm` engine. Only the library's SHA-256 file is imported (22 KB; its index costs twice the time), and only
 * when the first hasher is made.
 */
import type { createSHA256 } from "hash-wasm";
import type { Hasher } from "./mod.ts";

/** A hasher with its own WebAssembly instance, so that several streams can interleave. */
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
