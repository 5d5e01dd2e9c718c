/**
 * @module
 * Typed injection tokens. Domain classes take plain constructor parameters and never see the container; only
 * `src/composition.ts` binds tokens to implementations.
 */

declare const PROVIDES: unique symbol;

/** Identifies a dependency of type `T`. */
export interface Token<T> {
  readonly key: symbol;
  readonly [PROVIDES]?: T;
}

/** Creates a token; `name` appears in error messages only. */
export function token<T>(name: string): Token<T> {
  return { key: Symbol(name) };
}
