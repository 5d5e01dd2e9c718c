/**
 * @module
 * Shapes of JSON objects, as data. A {@link Shape} lists every field of a wire type with the {@link Kind} of its value;
 * a missing field is a compile error. The kinds are those of Go's structs, because Docker's clients are written for
 * Go's decoder: see {@link decode}.
 */

/** The fields of an object by their names on the wire. */
export type Fields = { readonly [field: string]: Kind };

/** The kind of a field's value. */
export type Kind =
  | LeafKind
  /** A list of objects. */
  | { readonly each: Fields }
  /** A struct. */
  | { readonly object: Fields }
  /** A map, whose keys are kept. Values may be null. */
  | { readonly map: Kind }
  /** A pointer in Go's struct: null unsets the value of an earlier key. */
  | { readonly pointer: Kind }
  /** A field without effect, as in dockerd on Linux. It is validated and kept like any other. */
  | { readonly ignored: Kind; readonly because: string };

/** A value without fields. */
export type LeafKind =
  | "text"
  | "flag"
  | "number"
  /** Not negative. */
  | "count"
  /** A terminal's `[height, width]`, in characters. */
  | "size"
  | "texts"
  /** A single string counts as a list of it. */
  | "textOrTexts"
  | "textLists"
  | "textMap"
  /** A map to empty structs: a set in Go. */
  | "set"
  /** Not validated. */
  | "anything";

/** The shape of a wire type: all of its fields. */
export type Shape<T> = {
  readonly [K in keyof T]-?: unknown extends T[K] ? AnyOf<"anything"> : AnyOf<KindOf<NonNullable<T[K]>>>;
};

type AnyOf<K> =
  | K
  | { readonly pointer: K }
  | { readonly ignored: K | { readonly pointer: K }; readonly because: string };

type KindOf<V> = [V] extends [string] ? "text"
  : [V] extends [boolean] ? "flag"
  : [V] extends [number] ? "number" | "count"
  : V extends readonly [number, number] ? "size"
  : V extends readonly string[] ? "texts" | "textOrTexts"
  : V extends readonly (readonly string[])[] ? "textLists"
  : V extends readonly (infer E)[] ? { readonly each: Shape<E> }
  : string extends keyof V ? MapOf<V[keyof V]>
  : { readonly object: Shape<V> };

type MapOf<V> = unknown extends V ? { readonly map: "anything" }
  : [V] extends [string] ? "textMap"
  : [NonNullable<V>] extends [Readonly<Record<string, never>>] ? "set"
  : { readonly map: KindOf<NonNullable<V>> };

/**
 * The result of {@link decode} for a wire type: any field may be absent, also one that the type requires; only values
 * of maps may be null. Texts are not compared with those that the type allows.
 */
export type Decoded<T> = unknown extends T ? unknown
  : T extends string | number | boolean | null ? T
  : T extends readonly [number, number] ? T
  : T extends readonly (infer E)[] ? readonly Decoded<E>[]
  : string extends keyof T ? { readonly [K in keyof T]: Decoded<T[K]> }
  : { readonly [K in keyof T]?: Decoded<Exclude<T[K], null | undefined>> };
