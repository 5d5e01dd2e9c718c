/**
 * The data of templates: JSON, and those of Go's types that are visible in templates. `undefined` is the absence of a value
 * (a key that a map doesn't have), `null` is the null of untyped JSON.
 */
export type Value =
  | undefined
  | null
  | boolean
  | number
  | string
  | readonly Value[]
  | { readonly [key: string]: Value }
  | Struct
  | Nil;

/** A method of a {@link Struct}, called with or without arguments. */
export type Method = (...args: readonly Value[]) => Value;

/** A Go struct: an object with fixed fields. An unknown field is an error, and it prints as `{a b}`. */
export class Struct {
  readonly #fields: ReadonlyMap<string, Value | Method>;
  readonly #json: unknown;
  /** The exact text of its JSON, where that matters. */
  readonly text: string | undefined;

  /**
   * @param typeName the type's name in error messages
   * @param json the value's JSON. Default: the fields that aren't methods
   */
  constructor(
    readonly typeName: string,
    fields: Readonly<Record<string, Value | Method>>,
    { json, text }: { json?: unknown; text?: string } = {},
  ) {
    this.#fields = new Map(Object.entries(fields));
    this.#json = json;
    this.text = text;
  }

  has(name: string): boolean {
    return this.#fields.has(name);
  }

  get(name: string): Value | Method {
    return this.#fields.get(name);
  }

  /** Returns the values of the fields that aren't methods, in their order. */
  values(): Value[] {
    return [...this.#fields.values()].filter((value) => typeof value !== "function");
  }

  toJSON(): unknown {
    if (this.#json !== undefined) return this.#json;
    return Object.fromEntries([...this.#fields].filter(([, value]) => typeof value !== "function"));
  }
}

/** A typed nil: it behaves as an empty list, an empty map or a nil pointer. */
export class Nil {
  constructor(readonly kind: "list" | "map" | "pointer") {}

  toJSON(): null {
    return null;
  }
}

export type GoMap = { readonly [key: string]: Value };

export const isList = (value: Value): value is readonly Value[] => Array.isArray(value);

export const isMap = (value: Value): value is GoMap =>
  typeof value === "object" && value !== null && !isList(value) && !(value instanceof Struct) &&
  !(value instanceof Nil);

/** Returns the truth of a value for `if`, `and` and `not`: false for the zero value of its type, as in Go. */
export function isTrue(value: Value): boolean {
  if (value === undefined || value === null || value instanceof Nil) return false;
  if (value instanceof Struct) return true;
  if (isList(value)) return value.length > 0;
  if (isMap(value)) return Object.keys(value).length > 0;
  return Boolean(value);
}

/** Returns a map's entries sorted by key, as Go's templates and fmt iterate over them. */
export const sortedEntries = (map: GoMap): [string, Value][] => Object.entries(map).sort(([a], [b]) => byBytes(a, b));

/** Compares two strings in UTF-8 byte order, which is the order of code points. */
export function byBytes(a: string, b: string): number {
  const [left, right] = [[...a], [...b]];
  for (let at = 0; at < Math.min(left.length, right.length); at++) {
    const difference = (left[at].codePointAt(0) ?? 0) - (right[at].codePointAt(0) ?? 0);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

/** Returns Go's name of a value's type. */
export function typeName(value: Value): string {
  if (value instanceof Struct) return value.typeName;
  if (value instanceof Nil) return value.kind === "list" ? "[]string" : "map[string]string";
  if (isList(value)) return "[]interface {}";
  if (value === null || value === undefined) return "interface {}";
  if (typeof value === "number") return Number.isInteger(value) ? "int" : "float64";
  if (typeof value === "boolean") return "bool";
  return typeof value === "string" ? "string" : "map[string]interface {}";
}
