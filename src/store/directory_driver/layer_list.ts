/** Encodes the layers of a snapshot or chain as `layers.json` in its directory. */
import { type Digest, isDigest } from "../../image/digest.ts";

export const LAYERS_NAME = "layers.json";

/** Encodes layers, lowest first. */
export function encodeLayers(layers: readonly Digest[]): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ layers }));
}

/** Returns undefined if this isn't what {@link encodeLayers} wrote. */
export function decodeLayers(text: string): Digest[] | undefined {
  let layers: unknown;
  try {
    layers = JSON.parse(text)?.layers;
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return undefined;
    throw thrown;
  }
  const isValid = Array.isArray(layers) && layers.every((layer) => typeof layer === "string" && isDigest(layer));
  return isValid ? layers as Digest[] : undefined;
}
