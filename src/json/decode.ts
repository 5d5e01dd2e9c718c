/**
 * @module
 * Decodes parsed JSON as Go's `encoding/json` decodes it into a struct. Docker's clients and configuration files rely
 * on its rules:
 *
 * - A key matches the field with exactly its name, else the field whose name differs only in case.
 * - Unknown keys are dropped.
 * - If several keys match one field, the last one wins; objects and maps are merged, lists replaced.
 * - null counts as absent. If Go's struct has a pointer, a list or a map, it also unsets the value of an earlier key.
 *
 * The result is a new object with the names of the shape, so it holds only what was understood. Unlike in Go, a text
 * may not hold a NUL, which no system call accepts, and a list may not hold null.
 */
import { foldKey } from "./fold.ts";
import type { Decoded, Fields, Kind, LeafKind, Shape } from "./shape.ts";

export type { Decoded, Shape } from "./shape.ts";

/** Makes the error for a value of the wrong type: `HostConfig.Memory`, `a whole number`. */
export type WrongType = (path: string, must: string) => Error;

/**
 * Decodes an object by the shape of the wire type `T`.
 * @param path path of the object, for errors; empty if it is the whole value
 * @throws the error made by `wrongType`
 */
export function decode<T>(value: unknown, shape: Shape<T>, wrongType: WrongType, path = ""): Decoded<T> {
  return decodeObject(value, shape as Fields, { path, wrongType }) as Decoded<T>;
}

/** Whether a value is a JSON object (no list, no null). */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

interface Position {
  readonly path: string;
  readonly wrongType: WrongType;
}

function decodeObject(value: unknown, fields: Fields, position: Position, before?: unknown): Record<string, unknown> {
  if (!isObject(value)) throw position.wrongType(position.path, "an object");
  const decoded: Record<string, unknown> = { ...before as Record<string, unknown> | undefined };
  for (const [key, inner] of Object.entries(value)) {
    const name = Object.hasOwn(fields, key) ? key : foldedNames(fields).get(foldKey(key));
    if (name === undefined || inner === undefined) continue;
    const kind = fields[name]!;
    if (inner !== null) decoded[name] = decodeValue(inner, kind, within(position, name), decoded[name]);
    else if (isUnsetByNull(kind)) delete decoded[name];
  }
  return decoded;
}

function within({ path, wrongType }: Position, name: string): Position {
  return { path: path === "" ? name : `${path}.${name}`, wrongType };
}

const FOLDED = new WeakMap<Fields, ReadonlyMap<string, string>>();

/** The names of fields by their folded spelling. */
function foldedNames(fields: Fields): ReadonlyMap<string, string> {
  const known = FOLDED.get(fields);
  if (known !== undefined) return known;
  const names = new Map(Object.keys(fields).map((name) => [foldKey(name), name]));
  FOLDED.set(fields, names);
  return names;
}

/** @param before what an earlier key has set the field to */
function decodeValue(value: unknown, kind: Kind, position: Position, before: unknown): unknown {
  if (typeof kind === "string") return decodeLeaf(value, kind, position, before);
  if ("object" in kind) return decodeObject(value, kind.object, position, before);
  if ("each" in kind) return decodeList(value, kind.each, position);
  if ("map" in kind) return decodeMap(value, kind.map, position, before);
  return decodeValue(value, "pointer" in kind ? kind.pointer : kind.ignored, position, before);
}

function decodeList(value: unknown, fields: Fields, { path, wrongType }: Position): unknown[] {
  if (!Array.isArray(value) || !value.every(isObject)) throw wrongType(path, "a list of objects");
  return value.map((item, at) => decodeObject(item, fields, { path: `${path}[${at}]`, wrongType }));
}

/** Maximum length of a key shown in an error, in characters. */
const SHOWN_KEY = 80;

function decodeMap(value: unknown, kind: Kind, { path, wrongType }: Position, before: unknown): unknown {
  if (!isObject(value)) throw wrongType(path, "an object");
  const entries = Object.entries(value).map(([key, inner]): [string, unknown] => {
    const position = { path: `${path}[${JSON.stringify(key.slice(0, SHOWN_KEY))}]`, wrongType };
    return [key, inner === null ? null : decodeValue(inner, kind, position, undefined)];
  });
  // Both spread and fromEntries define properties: `__proto__` is a key like any other.
  return { ...before as object | undefined, ...Object.fromEntries(entries) };
}

function decodeLeaf(value: unknown, kind: LeafKind, { path, wrongType }: Position, before: unknown): unknown {
  const { is, must, take }: Leaf = LEAVES[kind];
  if (!is(value)) throw wrongType(path, must);
  return take === undefined ? value : take(value, before);
}

function isUnsetByNull(kind: Kind): boolean {
  if (typeof kind === "string") return LEAVES[kind].isReference ?? false;
  return "ignored" in kind ? isUnsetByNull(kind.ignored) : !("object" in kind);
}

interface Leaf {
  /** Completes "… must be …". */
  readonly must: string;
  readonly is: (value: unknown) => boolean;
  /** Converts a valid value; the value itself is decoded if not given. */
  readonly take?: (value: unknown, before: unknown) => unknown;
  /** Lists and maps: null unsets them. */
  readonly isReference?: boolean;
}

const isText = (value: unknown): value is string => typeof value === "string" && !value.includes("\0");
const isWhole = (value: unknown): value is number => Number.isSafeInteger(value);
const isTexts = (value: unknown): value is string[] => Array.isArray(value) && value.every(isText);
const isLength = (value: unknown): boolean => isWhole(value) && 0 <= value && value <= 0xffff;
const isMapOf = (value: unknown, is: (inner: unknown) => boolean): boolean =>
  isObject(value) && Object.values(value).every((inner) => inner === null || is(inner));

/** Merges a map, its values converted by `take`, into the map that an earlier key has set. */
const merged = (before: unknown, map: unknown, take: (inner: unknown) => unknown): unknown => ({
  ...before as object | undefined,
  ...Object.fromEntries(Object.entries(map as object).map(([key, inner]) => [key, take(inner)])),
});

const LEAVES: Readonly<Record<LeafKind, Leaf>> = {
  text: { must: "a text without NUL", is: isText },
  flag: { must: "true or false", is: (value) => typeof value === "boolean" },
  number: { must: "a whole number", is: isWhole },
  count: { must: "a whole number that is not negative", is: (value) => isWhole(value) && value >= 0 },
  size: {
    must: "[height, width]",
    is: (value) => Array.isArray(value) && value.length === 2 && value.every(isLength),
  },
  texts: { must: "a list of texts", is: isTexts, isReference: true },
  textOrTexts: {
    must: "a list of texts",
    is: (value) => isText(value) || isTexts(value),
    take: (value) => typeof value === "string" ? [value] : value,
    isReference: true,
  },
  textLists: {
    must: "a list of lists of texts",
    is: (value) => Array.isArray(value) && value.every(isTexts),
    isReference: true,
  },
  textMap: {
    must: "an object of texts",
    is: (value) => isMapOf(value, isText),
    take: (map, before) => merged(before, map, (text) => text ?? ""),
    isReference: true,
  },
  set: {
    must: "an object of empty objects",
    is: (value) => isMapOf(value, isObject),
    take: (map, before) => merged(before, map, () => ({})),
    isReference: true,
  },
  anything: {
    must: "anything",
    is: () => true,
    take: (value, before) => isObject(value) && isObject(before) ? { ...before, ...value } : value,
    isReference: true,
  },
};
