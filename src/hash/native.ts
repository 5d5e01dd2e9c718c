/**
 * @module
 * The `native` engine: node:crypto, which uses the processor's SHA instructions. Imported on first use, because it is
 * not the default.
 */
import type { Hasher } from "./mod.ts";

/** Creates a hasher based on node:crypto. */
export async function createNativeSha256(): Promise<Hasher> {
  const { createHash } = await import("node:crypto");
  const state = createHash("sha256");
  return {
    update: (bytes) => void state.update(bytes),
    digestHex: () => state.digest("hex"),
  };
}
