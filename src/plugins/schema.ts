/**
 * @module
 * Schemas of plain JSON as data: hooks' contexts, plugins' answers and configurations. Types, validation and
 * documentation are derived from them.
 */

interface About {
  /** Description for the documentation. */
  readonly about: string;
  /** Whether it may be omitted; null counts as omitted. */
  readonly optional?: boolean;
}

/** A schema. It is plain JSON itself, so that it can be part of a manifest. */
export type Schema =
  | About & { readonly type: "text" }
  | About & { readonly type: "whole" }
  | About & { readonly type: "flag" }
  | About & { readonly type: "choice"; readonly words: readonly string[] }
  | About & {
    readonly type: "list";
    readonly of: Schema;
    /** The field that identifies an item. With `append`, items have no identity. */
    readonly key?: string;
    readonly append?: boolean;
  }
  | About & { readonly type: "map"; readonly of: Schema }
  | About & ObjectShape
  | About & { readonly type: "json" };

interface ObjectShape {
  readonly type: "object";
  readonly fields: Readonly<Record<string, Schema>>;
}

/** A schema with named fields. */
export type ObjectSchema = About & ObjectShape;

/** Any JSON value. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };

type Names<F, Requested> = { [N in keyof F]: F[N] extends { readonly optional: true } ? Requested : N }[keyof F];
type RequiredNames<F> = Names<F, never>;
type OptionalNames<F> = Exclude<keyof F, RequiredNames<F>>;

type InferFields<F extends Readonly<Record<string, Schema>>> =
  & { readonly [N in RequiredNames<F>]: Infer<F[N]> }
  & { readonly [N in OptionalNames<F>]?: Infer<F[N]> | undefined };

/** The type of values that match the schema. */
export type Infer<S extends Schema> = S extends { readonly type: "text" } ? string
  : S extends { readonly type: "whole" } ? number
  : S extends { readonly type: "flag" } ? boolean
  : S extends { readonly type: "choice"; readonly words: readonly (infer Word)[] } ? Word
  : S extends { readonly type: "list"; readonly of: infer Item extends Schema } ? readonly Infer<Item>[]
  : S extends { readonly type: "map"; readonly of: infer Item extends Schema } ? Readonly<Record<string, Infer<Item>>>
  : S extends { readonly type: "object"; readonly fields: infer F extends Readonly<Record<string, Schema>> }
    ? { [N in keyof InferFields<F>]: InferFields<F>[N] }
  : S extends { readonly type: "json" } ? Json
  : never;

export const text = (about: string) => ({ type: "text", about }) as const;
/** An integer. */
export const whole = (about: string) => ({ type: "whole", about }) as const;
/** A boolean. */
export const flag = (about: string) => ({ type: "flag", about }) as const;
/** Any JSON value. */
export const json = (about: string) => ({ type: "json", about }) as const;

/** One of several strings. */
export const choice = <const Strings extends readonly string[]>(words: Strings, about: string) =>
  ({ type: "choice", words, about }) as const;

export const list = <S extends Schema>(of: S, about: string) => ({ type: "list", of, about }) as const;

/** A list whose items are identified by one of their fields. */
export const keyed = <S extends Schema>(of: S, key: string, about: string) =>
  ({ type: "list", of, key, about }) as const;

/** A list that several plugins may append to. */
export const appended = <S extends Schema>(of: S, about: string) =>
  ({ type: "list", of, append: true, about }) as const;

/** An object with arbitrary keys. */
export const map = <S extends Schema>(of: S, about: string) => ({ type: "map", of, about }) as const;

export const object = <F extends Readonly<Record<string, Schema>>>(fields: F, about = "") =>
  ({ type: "object", fields, about }) as const;

export const optional = <S extends Schema>(schema: S) => ({ ...schema, optional: true }) as const;
