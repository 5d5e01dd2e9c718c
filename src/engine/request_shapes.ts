/**
 * @module
 * The types of a request's fields, as data: a table for each request stands beside what reads it. A body is the caller's
 * word: what is read of it has to be of its type, or the request is refused with the field's name. Fields that nobody
 * reads are not looked at, as in Docker.
 */
import { TsdError } from "../errors.ts";

type Named = keyof typeof CHECKS;
/** A type by its name, or that of a list's items or an object's fields. */
type Kind = Named | { readonly each: Fields } | { readonly object: Fields };
export type Fields = { readonly [field: string]: Kind };
/** The fields that are read of a wire type. */
export type Shape<T> = { readonly [K in keyof T]?: Kind };

const isText = (value: unknown): boolean => typeof value === "string" && !value.includes("\0");
const isWhole = (value: unknown): boolean => typeof value === "number" && Number.isSafeInteger(value);
const isTexts = (value: unknown): boolean => Array.isArray(value) && value.every(isText);

/** null is a port without bindings. */
const isBindings = (value: unknown): boolean => value === null || (Array.isArray(value) && value.every(isBinding));
const isBinding = (value: unknown): boolean =>
  isObject(value) && [value.HostIp ?? "", value.HostPort ?? ""].every(isText);

const CHECKS = {
  // NUL can't be passed on to any system call.
  text: isText,
  flag: (value: unknown) => typeof value === "boolean",
  number: isWhole,
  count: (value: unknown) => isWhole(value) && (value as number) >= 0,
  texts: isTexts,
  textLists: (value: unknown) => Array.isArray(value) && value.every(isTexts),
  textMap: (value: unknown) => isObject(value) && Object.values(value).every(isText),
  object: isObject,
  portMap: (value: unknown) => isObject(value) && Object.values(value).every(isBindings),
  size: isConsoleSize,
} as const;

const WORDS: Record<Named, string> = {
  text: "a text without NUL",
  flag: "true or false",
  number: "a whole number",
  count: "a whole number that is not negative",
  texts: "a list of texts",
  textLists: "a list of lists of texts",
  textMap: "an object of texts",
  object: "an object",
  portMap: "an object of lists of host ports",
  size: "[height, width]",
};

/**
 * Checks the fields that are there; null counts as not there.
 * @param where the field that has them; empty: the body itself
 * @param what whose configuration it is, for the error
 * @throws {TsdError} invalid_argument
 */
export function checkShape(value: Record<string, unknown>, shape: Fields, where: string, what = "container"): void {
  for (const [name, kind] of Object.entries(shape)) {
    const field = value[name];
    if (field !== undefined && field !== null) checkField(field, kind, where === "" ? name : `${where}.${name}`, what);
  }
}

function checkField(field: unknown, kind: Kind, where: string, what: string): void {
  if (typeof kind === "string") {
    if (!CHECKS[kind](field)) throw wrongType(where, WORDS[kind], what);
  } else if ("object" in kind) {
    if (!isObject(field)) throw wrongType(where, "an object", what);
    checkShape(field, kind.object, where, what);
  } else {
    if (!Array.isArray(field) || !field.every(isObject)) throw wrongType(where, "a list of objects", what);
    for (const [at, item] of field.entries()) checkShape(item, kind.each, `${where}[${at}]`, what);
  }
}

/** A body without what is null in it, which Docker takes for not being there. */
export function withoutNulls<T>(value: T): T {
  if (Array.isArray(value)) return value.map(withoutNulls) as T;
  if (!isObject(value)) return value;
  const there = Object.entries(value).filter(([, inner]) => inner !== null);
  return Object.fromEntries(there.map(([name, inner]) => [name, withoutNulls(inner)])) as T;
}

/** Docker's `[height, width]` of a terminal, in characters. */
export function isConsoleSize(value: unknown): boolean {
  const isLength = (each: unknown) => Number.isInteger(each) && 0 <= (each as number) && (each as number) <= 0xffff;
  return Array.isArray(value) && value.length === 2 && value.every(isLength);
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Docker's clients send empty values for what nobody has asked for. */
export function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === "" || value === 0 || value === false) return true;
  return typeof value === "object" && Object.keys(value).length === 0;
}

export const wrongType = (name: string, requested: string, what = "container") =>
  new TsdError("invalid_argument", `Invalid ${what} configuration: ${name} must be ${requested}`);
