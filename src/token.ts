/**
 * @module
 * Typed injection tokens. Domain classes take plain constructor parameters and never see the container; only
 * `src/composition.ts` joins a token to the thing behind it.
 */

declare const PROVIDES: unique symbol;

/** A name for one dependency whose type is `T`. */
export interface Token<T> {
  readonly key: symbol;
  readonly [PROVIDES]?: T;
}

/** Makes a token; `name` appears in error messages only. */
export function token<T>(name: string): Token<T> {
  return { key: Symbol(name) };
}
