/** The layers that something stands on, in a file beside it. */
import { type Digest, isDigest } from "../../image/digest.ts";

export const LAYERS_NAME = "layers.json";

/** Lowest first. */
export function encodeLayers(layers: readonly Digest[]): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ layers }));
}

/** Undefined when this isn't what {@link encodeLayers} wrote. */
export function decodeLayers(text: string): Digest[] | undefined {
  let layers: unknown;
  try {
    layers = JSON.parse(text)?.layers;
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return undefined;
    throw thrown;
  }
  const isSound = Array.isArray(layers) && layers.every((layer) => typeof layer === "string" && isDigest(layer));
  return isSound ? layers as Digest[] : undefined;
}
