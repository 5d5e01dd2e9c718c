/**
 * The functions of templates: Go's predefined functions and those that the docker CLI adds.
 */
import { goJson } from "./go_json.ts";
import { goPrint, goPrintAll, goPrintf } from "./go_print.ts";
import { byBytes, type GoMap, isList, isMap, isTrue, Nil, typeName, type Value } from "./value.ts";

/** An error of a function's call; the evaluator adds the function's name and the position. */
export class FunctionError extends Error {
  override readonly name = "FunctionError";
}

/** The type of a parameter. */
export type Parameter = "any" | "string" | "int";

/** A template function. With `rest` the last parameter is variadic. */
export interface TemplateFunction {
  readonly parameters: readonly Parameter[];
  readonly rest?: true;
  // Arguments are checked against `parameters` before the call.
  // deno-lint-ignore no-explicit-any -- one table for functions of all signatures
  call(...args: any[]): Value;
}

export type FunctionTable = ReadonlyMap<string, TemplateFunction>;

const rest = (call: TemplateFunction["call"], ...parameters: Parameter[]): TemplateFunction => ({
  parameters,
  rest: true,
  call,
});
const exact = (call: TemplateFunction["call"], ...parameters: Parameter[]): TemplateFunction => ({ parameters, call });

const compare = (test: (order: number) => boolean) => exact((a: Value, b: Value) => test(order(a, b)), "any", "any");

/** Go's functions. The evaluator implements `and` and `or`, because they don't evaluate all of their arguments. */
const GO: Readonly<Record<string, TemplateFunction>> = {
  not: exact((value: Value) => !isTrue(value), "any"),
  len: exact(length, "any"),
  index: rest((of: Value, ...keys: Value[]) => keys.reduce(indexed(false), of), "any", "any"),
  slice: rest(slice, "any", "any"),
  print: rest((...values: Value[]) => goPrintAll(values), "any"),
  println: rest((...values: Value[]) => `${values.map(goPrint).join(" ")}\n`, "any"),
  printf: rest((format: string, ...values: Value[]) => goPrintf(format, values), "string", "any"),
  html: rest((...values: Value[]) => goPrintAll(values).replace(/[<>&"'\0]/g, (char) => HTML[char]), "any"),
  urlquery: rest((...values: Value[]) => encodeURIComponent(goPrintAll(values)).replaceAll("%20", "+"), "any"),
  eq: rest(
    (first: Value, ...others: Value[]) => {
      if (others.length === 0) throw new FunctionError("missing argument for comparison");
      return others.some((other) => equal(first, other));
    },
    "any",
    "any",
  ),
  ne: exact((a: Value, b: Value) => !equal(a, b), "any", "any"),
  lt: compare((order) => order < 0),
  le: compare((order) => order <= 0),
  gt: compare((order) => order > 0),
  ge: compare((order) => order >= 0),
};

const HTML: Readonly<Record<string, string>> = {
  ...{ "<": "&lt;", ">": "&gt;", "&": "&amp;", '"': "&#34;", "'": "&#39;", "\0": "\uFFFD" },
};

/** The functions that the docker CLI adds. */
const DOCKER: Readonly<Record<string, TemplateFunction>> = {
  json: exact(goJson, "any"),
  lower: exact((text: string) => text.toLowerCase(), "string"),
  upper: exact((text: string) => text.toUpperCase(), "string"),
  title: exact((text: string) => text.replace(/(?<![\p{L}\p{N}_])\p{L}/gu, (letter) => letter.toUpperCase()), "string"),
  split: exact(
    (text: string, separator: string) => separator === "" ? [...text] : text.split(separator),
    ...strings(2),
  ),
  join: exact(join, "any", "string"),
  pad: exact(
    (text: string, before: number, after: number) =>
      text === "" ? "" : " ".repeat(Math.max(0, before)) + text + " ".repeat(Math.max(0, after)),
    "string",
    "int",
    "int",
  ),
  truncate: exact((text: string, length: number) => [...text].slice(0, Math.max(0, length)).join(""), "string", "int"),
};

function strings(count: number): Parameter[] {
  return Array.from({ length: count }, () => "string" as const);
}

/** The functions in a table's header: as in the docker CLI they leave the column titles unchanged. */
const HEAD: Readonly<Record<string, TemplateFunction>> = {
  json: exact((text: string) => text, "string"),
  lower: exact((text: string) => text, "string"),
  upper: exact((text: string) => text, "string"),
  title: exact((text: string) => text, "string"),
  split: exact((text: string) => [text], "string", "string"),
  join: exact((text: Value) => isList(text) ? text.map(goPrint).join("") : goPrint(text), "any", "string"),
  pad: exact((text: string) => text, "string", "int", "int"),
  truncate: exact((text: string) => text, "string", "int"),
};

/** The functions available in a format. */
export const FUNCTIONS: FunctionTable = new Map(Object.entries({ ...GO, ...DOCKER }));
/** The functions available in a format that is applied to untyped JSON. */
export const PLAIN_FUNCTIONS: FunctionTable = new Map([
  ...FUNCTIONS,
  ["index", rest((of: Value, ...keys: Value[]) => keys.reduce(indexed(true), of), "any", "any")],
]);
/** The functions available in a table's header. */
export const HEAD_FUNCTIONS: FunctionTable = new Map(Object.entries({ ...GO, ...HEAD }));

function length(value: Value): number {
  if (typeof value === "string") return new TextEncoder().encode(value).length;
  if (isList(value)) return value.length;
  if (isMap(value)) return Object.keys(value).length;
  if (value instanceof Nil && value.kind !== "pointer") return 0;
  if (value === undefined || value === null) throw new FunctionError("len of nil pointer");
  throw new FunctionError(`len of type ${typeName(value)}`);
}

/**
 * Creates a step of `index`.
 * @param plain whether maps are untyped; otherwise a missing key of a map of strings gives the empty string, as in Go
 */
function indexed(plain: boolean): (of: Value, key: Value) => Value {
  return (of, key) => isMap(of) ? ofMap(of, key, plain) : ofList(of, key);
}

function ofMap(of: GoMap, key: Value, plain: boolean): Value {
  if (typeof key !== "string") throw new FunctionError(`value has type ${typeName(key)}; should be string`);
  if (Object.hasOwn(of, key)) return of[key];
  return !plain && Object.values(of).every((each) => typeof each === "string") ? "" : undefined;
}

function ofList(of: Value, key: Value): Value {
  if (of === undefined || of === null) throw new FunctionError("index of untyped nil");
  if (of instanceof Nil && of.kind === "map") return "";
  const items = of instanceof Nil && of.kind === "list"
    ? []
    : typeof of === "string"
    ? new TextEncoder().encode(of)
    : of;
  if (!isList(items as Value) && !(items instanceof Uint8Array)) {
    throw new FunctionError(`can't index item of type ${typeName(of)}`);
  }
  if (typeof key !== "number" || !Number.isInteger(key)) {
    throw new FunctionError(
      key === undefined || key === null
        ? "cannot index slice/array with nil"
        : `cannot index slice/array with type ${typeName(key)}`,
    );
  }
  const list = items as readonly Value[];
  if (key < 0 || key >= list.length) throw new FunctionError(`index out of range: ${key}`);
  return list[key];
}

function slice(of: Value, ...bounds: Value[]): Value {
  if (typeof of !== "string" && !isList(of)) throw new FunctionError(`can't slice item of type ${typeName(of)}`);
  const size = length(of);
  const [from = 0, to = size] = bounds;
  for (const bound of [from, to]) {
    if (typeof bound !== "number" || !Number.isInteger(bound)) {
      throw new FunctionError(`cannot index slice/array with type ${typeName(bound)}`);
    }
    if (bound < 0 || bound > size) throw new FunctionError(`index out of range: ${bound}`);
  }
  const [start, end] = [from as number, to as number];
  if (start > end) throw new FunctionError(`invalid slice index: ${start} > ${end}`);
  if (isList(of)) return of.slice(start, end);
  return new TextDecoder().decode(new TextEncoder().encode(of).subarray(start, end));
}

function join(list: Value, separator: string): string {
  if (list === undefined || list === null || list instanceof Nil) return "";
  if (!isList(list)) throw new FunctionError(`expected slice, got ${typeof list}`);
  return list.map((each) => each === null ? "" : goPrint(each)).join(separator);
}

type Basic = "bool" | "string" | "number";

function basicKind(value: Value): Basic {
  const kind = typeof value;
  if (kind === "boolean") return "bool";
  if (kind === "string" || kind === "number") return kind;
  throw new FunctionError(
    isList(value) || isMap(value)
      ? `non-comparable type ${goPrint(value)}: ${typeName(value)}`
      : "invalid type for comparison",
  );
}

/** Returns the common kind of two values. @throws {FunctionError} if their kinds differ */
function comparedKind(a: Value, b: Value): Basic {
  const kind = basicKind(a);
  if (kind === basicKind(b)) return kind;
  throw new FunctionError("incompatible types for comparison");
}

function equal(a: Value, b: Value): boolean {
  const missing = (value: Value) => value === undefined || value === null;
  if (missing(a) || missing(b)) return missing(a) && missing(b);
  comparedKind(a, b);
  return a === b;
}

function order(a: Value, b: Value): number {
  if (comparedKind(a, b) === "bool") throw new FunctionError("invalid type for comparison");
  return typeof a === "string" ? byBytes(a, b as string) : (a as number) - (b as number);
}
