/** The facts about a layer in its `info.json`, the last file that is written into its folder. */
import { type Digest, isDigest } from "../../image/digest.ts";
import type { LayerInfo } from "../driver.ts";

/** Raised when the folder's layout changes in a way that older versions can't read. */
const FORMAT = 1;

export function encodeInfo(info: LayerInfo): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ format: FORMAT, ...info }) + "\n");
}

/** The facts; undefined when this isn't what {@link encodeInfo} wrote for that layer. */
export function decodeInfo(text: string, expected: Digest): LayerInfo | undefined {
  let parsed: Record<string, unknown>;
  try {
    parsed = JSON.parse(text);
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return undefined;
    throw thrown;
  }
  const { format, diffId, tarBytes, contentBytes, entries } = parsed ?? {};
  const isSound = format === FORMAT && typeof diffId === "string" && isDigest(diffId) && diffId === expected &&
    isCount(tarBytes) && isCount(contentBytes) && isCount(entries);
  return isSound ? { diffId, tarBytes, contentBytes, entries } : undefined;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && value as number >= 0;
}
