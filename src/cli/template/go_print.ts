/**
 * Formats values as Go's fmt package does: `%v`, which templates use for output, and the verbs of `printf`.
 */
import { isList, isMap, Nil, sortedEntries, Struct, typeName, type Value } from "./value.ts";

/** Formats a value as `%v`: lists as `[a b]`, maps as `map[k:v]`, structs as `{a b}`. */
export function goPrint(value: Value): string {
  if (value === undefined || value === null) return "<nil>";
  if (value instanceof Nil) return { list: "[]", map: "map[]", pointer: "<nil>" }[value.kind];
  if (value instanceof Struct) return `{${value.values().map(goPrint).join(" ")}}`;
  if (isList(value)) return `[${value.map(goPrint).join(" ")}]`;
  if (isMap(value)) return `map[${sortedEntries(value).map(([key, each]) => `${key}:${goPrint(each)}`).join(" ")}]`;
  return typeof value === "number" ? goNumber(value) : String(value);
}

/** Formats a number in its shortest form; very small and very large floats have an exponent of two digits. */
export function goNumber(value: number): string {
  const magnitude = Math.abs(value);
  const plain = Number.isInteger(value) ? magnitude < 1e21 : magnitude >= 1e-4 && magnitude < 1e21;
  if (plain || !Number.isFinite(value)) return String(value).replace("Infinity", "+Inf").replace("-+", "-");
  return withExponent(value.toExponential());
}

const withExponent = (text: string): string => text.replace(/e([+-])(\d)$/, (_, sign, digit) => `e${sign}0${digit}`);

/** Formats operands as `print`: adds a space between two operands if neither is a string. */
export function goPrintAll(values: readonly Value[]): string {
  return values.map((value, at) => {
    const apart = at > 0 && typeof value !== "string" && typeof values[at - 1] !== "string";
    return `${apart ? " " : ""}${goPrint(value)}`;
  }).join("");
}

const VERB = /%([-+# 0]*)(\d+)?(?:\.(\d+))?([a-zA-Z%])/g;

/** Formats values as `printf`. Wrong verbs and missing or extra values are reported in the output, as in Go. */
export function goPrintf(format: string, values: readonly Value[]): string {
  let used = 0;
  const text = format.replace(VERB, (_, flags: string, width = "0", precision: string | undefined, verb: string) => {
    if (verb === "%") return "%";
    if (used >= values.length) return `%!${verb}(MISSING)`;
    const shown = formatVerb(verb, values[used++], flags, precision === undefined ? undefined : Number(precision));
    if (flags.includes("-")) return padEnd(shown, Number(width));
    const zeros = flags.includes("0") && "dfxXob".includes(verb);
    return padStart(shown, Number(width), zeros ? "0" : " ");
  });
  const extra = values.slice(used).map((value) => `${typeName(value)}=${goPrint(value)}`);
  return extra.length === 0 ? text : `${text}%!(EXTRA ${extra.join(", ")})`;
}

type Verb = (value: Value, precision: number | undefined, flags: string) => string | undefined;

const hex = (text: string): string =>
  [...new TextEncoder().encode(text)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
const integer = (base: number): Verb => (value) =>
  Number.isInteger(value) ? (value as number).toString(base) : undefined;
const float = (write: (value: number, precision: number) => string): Verb => (value, precision = 6) =>
  typeof value === "number" ? write(value, precision) : undefined;

const VERBS: Readonly<Record<string, Verb>> = {
  v: goPrint,
  s: (value, precision) => {
    if (typeof value === "number" || typeof value === "boolean") return undefined;
    const text = goPrint(value);
    return precision === undefined ? text : [...text].slice(0, precision).join("");
  },
  q: (value) => typeof value === "string" ? JSON.stringify(value) : undefined,
  t: (value) => typeof value === "boolean" ? String(value) : undefined,
  d: (value, _, flags) => {
    const text = integer(10)(value, undefined, "");
    return text !== undefined && flags.includes("+") && !text.startsWith("-") ? `+${text}` : text;
  },
  b: integer(2),
  o: integer(8),
  x: (value) => typeof value === "string" ? hex(value) : integer(16)(value, undefined, ""),
  X: (value) => (typeof value === "string" ? hex(value) : integer(16)(value, undefined, ""))?.toUpperCase(),
  U: (value) =>
    Number.isInteger(value) ? `U+${(value as number).toString(16).toUpperCase().padStart(4, "0")}` : undefined,
  c: (value) => Number.isInteger(value) ? String.fromCodePoint(value as number) : undefined,
  f: float((value, precision) => value.toFixed(precision)),
  e: float((value, precision) => withExponent(value.toExponential(precision))),
  g: float((value) => goNumber(value)),
  T: typeName,
};

function formatVerb(verb: string, value: Value, flags: string, precision: number | undefined): string {
  const text = VERBS[verb]?.(value, precision, flags);
  return text ??
    (value === undefined || value === null ? `%!${verb}(<nil>)` : `%!${verb}(${typeName(value)}=${goPrint(value)})`);
}

const padEnd = (text: string, width: number): string => text + " ".repeat(Math.max(0, width - [...text].length));

function padStart(text: string, width: number, fill: string): string {
  const missing = fill.repeat(Math.max(0, width - [...text].length));
  return fill === "0" && /^[+-]/.test(text) ? text[0] + missing + text.slice(1) : missing + text;
}
