/** Encodes a layer's sizes as `info.json`, the last file that is written to its directory. */
import { type Digest, isDigest } from "../../image/digest.ts";
import type { LayerInfo } from "../driver.ts";

/** Incremented if the directory's layout changes so that older versions can't read it. */
const FORMAT = 1;

export function encodeInfo(info: LayerInfo): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ format: FORMAT, ...info }) + "\n");
}

/** Returns the layer's sizes, or undefined if this isn't what {@link encodeInfo} wrote for that layer. */
export function decodeInfo(text: string, expected: Digest): LayerInfo | undefined {
  let parsed: Record<string, unknown>;
  try {
    parsed = JSON.parse(text);
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return undefined;
    throw thrown;
  }
  const { format, diffId, tarBytes, contentBytes, entries } = parsed ?? {};
  const isValid = format === FORMAT && typeof diffId === "string" && isDigest(diffId) && diffId === expected &&
    isCount(tarBytes) && isCount(contentBytes) && isCount(entries);
  return isValid ? { diffId, tarBytes, contentBytes, entries } : undefined;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && value as number >= 0;
}
