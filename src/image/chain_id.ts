/**
 * @module
 * Chain ids (OCI image-spec v1.1, config.md, "Layer ChainID"): a chain id identifies a layer together with all layers
 * below it.
 */
import { sha256Hex } from "../hash/mod.ts";
import { type Digest, digestOfHex } from "./digest.ts";

declare const CHAIN_ID: unique symbol;

/** The digest that identifies a chain of layers; for a single layer it equals its diffID. */
export type ChainId = Digest & { readonly [CHAIN_ID]: true };

/** Computes the chain id of each prefix of `diffIds` (lowest layer first). */
export async function chainIds(diffIds: readonly Digest[]): Promise<ChainId[]> {
  const chain: ChainId[] = [];
  for (const diffId of diffIds) {
    const below = chain.at(-1);
    const id = below === undefined
      ? diffId
      : digestOfHex(await sha256Hex(new TextEncoder().encode(`${below} ${diffId}`)));
    chain.push(id as ChainId);
  }
  return chain;
}

/** Computes the chain id of all the layers; undefined for an image without layers. */
export async function chainId(diffIds: readonly Digest[]): Promise<ChainId | undefined> {
  return (await chainIds(diffIds)).at(-1);
}
