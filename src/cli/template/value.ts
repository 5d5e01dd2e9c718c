/**
 * What templates work on: JSON, and the few things of Go's types that show in templates. `undefined` is no value at all
 * (a key that a map doesn't have), `null` the null of plain JSON.
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

/** A field that is called: with arguments or without. */
export type Method = (...args: readonly Value[]) => Value;

/** An object with fixed fields: a wrong one is an error, and it prints as `{a b}`. */
export class Struct {
  readonly #fields: ReadonlyMap<string, Value | Method>;
  readonly #json: unknown;
  /** Its JSON to the letter, where that matters. */
  readonly text: string | undefined;

  /** `typeName` is what messages call it. Its JSON is that of its fields that aren't methods, if not given. */
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

  /** The values of the fields, in their order. */
  values(): Value[] {
    return [...this.#fields.values()].filter((value) => typeof value !== "function");
  }

  toJSON(): unknown {
    if (this.#json !== undefined) return this.#json;
    return Object.fromEntries([...this.#fields].filter(([, value]) => typeof value !== "function"));
  }
}

/** A null of a type. */
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

/** What `if`, `and` and `not` take for true: all but the zero value of a type. */
export function isTrue(value: Value): boolean {
  if (value === undefined || value === null || value instanceof Nil) return false;
  if (value instanceof Struct) return true;
  if (isList(value)) return value.length > 0;
  if (isMap(value)) return Object.keys(value).length > 0;
  return Boolean(value);
}

/** A map's entries in the order in which Go's templates and printing have them. */
export const sortedEntries = (map: GoMap): [string, Value][] => Object.entries(map).sort(([a], [b]) => byBytes(a, b));

/** UTF-8 order of two texts, as code points have it. */
export function byBytes(a: string, b: string): number {
  const [left, right] = [[...a], [...b]];
  for (let at = 0; at < Math.min(left.length, right.length); at++) {
    const difference = (left[at].codePointAt(0) ?? 0) - (right[at].codePointAt(0) ?? 0);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

/** What Go calls the type of a value. */
export function typeName(value: Value): string {
  if (value instanceof Struct) return value.typeName;
  if (value instanceof Nil) return value.kind === "list" ? "[]string" : "map[string]string";
  if (isList(value)) return "[]interface {}";
  if (value === null || value === undefined) return "interface {}";
  if (typeof value === "number") return Number.isInteger(value) ? "int" : "float64";
  if (typeof value === "boolean") return "bool";
  return typeof value === "string" ? "string" : "map[string]interface {}";
}
