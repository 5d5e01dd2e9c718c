/**
 * @module
 * Parses JSON from untrusted sources (RFC 8259) unambiguously. Two programs must never read the same signed bytes
 * differently, so it rejects what parsers disagree on: duplicate keys, keys that differ only in case (Go's decoder
 * accepts either), invalid UTF-8. Size and depth are limited. Errors are {@link TsdError} manifest_invalid; their
 * messages name `what`.
 */
import { TsdError } from "../errors.ts";
import { foldKey } from "../json/fold.ts";
import { measureJson, objectKeys, type WalkedObject } from "../json/keys.ts";

/** Maximum size of a manifest, index or config in bytes, as in Docker. */
export const MAX_JSON_BYTES = 4 * 1024 * 1024;
const MAX_DEPTH = 64;

/** Objects with arbitrary keys, in which only exact duplicates are rejected. */
const FREE_KEYED = new Set(["annotations", "Labels", "Volumes", "ExposedPorts"]);

/** A parsed object whose members have not been validated. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Parses bytes whose top level must be an object. @throws {TsdError} manifest_invalid */
export function parseStrictJson(bytes: Uint8Array, what: string): JsonObject {
  const value = parseStrictly(bytes, what);
  if (!isObject(value)) throw unusable(what, "it is not a JSON object");
  return value;
}

/** Parses bytes whose top level must be an array of objects, or null. @throws {TsdError} manifest_invalid */
export function parseStrictJsonList(bytes: Uint8Array, what: string): readonly JsonObject[] | null {
  const value = parseStrictly(bytes, what);
  if (value === null) return null;
  if (!Array.isArray(value) || !value.every(isObject)) throw unusable(what, "it is not a list of JSON objects");
  return value;
}

function parseStrictly(bytes: Uint8Array, what: string): unknown {
  if (bytes.length > MAX_JSON_BYTES) throw unusable(what, `it has ${bytes.length} bytes, over ${MAX_JSON_BYTES}`);
  const text = decode(bytes, what);
  refuseDepth(text, what);
  const value = parse(text, what);
  refuseDuplicates(text, what);
  return value;
}

/** Returns whether `value` is a JSON object (neither array nor null). */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Returns the error `Cannot use <what>: <why>`. */
export function unusable(what: string, why: string, cause?: unknown): TsdError {
  return new TsdError("manifest_invalid", `Cannot use ${what}: ${why}`, { cause });
}

function decode(bytes: Uint8Array, what: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    throw unusable(what, "it is not UTF-8", error);
  }
}

function parse(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw unusable(what, "it is not JSON", error);
  }
}

function refuseDepth(text: string, what: string): void {
  if (measureJson(text).depth > MAX_DEPTH) throw unusable(what, `it is nested deeper than ${MAX_DEPTH} levels`);
}

function refuseDuplicates(text: string, what: string): void {
  for (const { key, object } of objectKeys(text)) recordKey(object, key, what);
}

function recordKey({ seen, name }: WalkedObject, key: string, what: string): void {
  const folded = FREE_KEYED.has(name) ? key : foldKey(key);
  const other = seen.get(folded);
  if (other === key) throw unusable(what, `the key ${JSON.stringify(key)} stands twice in one object`);
  if (other !== undefined) {
    throw unusable(what, `the keys ${JSON.stringify(other)} and ${JSON.stringify(key)} differ only in case`);
  }
  seen.set(folded, key);
}

/** Typed access to the members of an object; `null` counts as absent, as in Go. */
export class Members {
  readonly #object: JsonObject;
  readonly #what: string;
  readonly #path: string;

  /** @param known the supported member names; a member that differs from one of them only in case is rejected */
  constructor(object: JsonObject, what: string, path: string, known: readonly string[]) {
    this.#object = object;
    this.#what = what;
    this.#path = path;
    const exact = new Set(known);
    const folded = new Map(known.map((name) => [foldKey(name), name]));
    for (const key of Object.keys(object)) {
      const name = folded.get(foldKey(key));
      if (name !== undefined && !exact.has(key)) throw this.wrong(key, `is not spelt ${name}`);
    }
  }

  has(name: string): boolean {
    return this.#get(name) !== undefined;
  }

  string(name: string): string | undefined {
    const value = this.#get(name);
    if (value !== undefined && !isText(value)) throw this.wrong(name, "is not a string");
    return value;
  }

  integer(name: string): number | undefined {
    const value = this.#get(name);
    if (value !== undefined && !Number.isSafeInteger(value)) throw this.wrong(name, "is not an integer");
    return value as number | undefined;
  }

  boolean(name: string): boolean | undefined {
    const value = this.#get(name);
    if (value !== undefined && typeof value !== "boolean") throw this.wrong(name, "is not true or false");
    return value;
  }

  strings(name: string): string[] | undefined {
    const value = this.#get(name);
    if (value === undefined) return undefined;
    if (!Array.isArray(value) || !value.every(isText)) throw this.wrong(name, "is not a list of strings");
    return value;
  }

  object(name: string): JsonObject | undefined {
    const value = this.#get(name);
    if (value !== undefined && !isObject(value)) throw this.wrong(name, "is not an object");
    return value;
  }

  objects(name: string): JsonObject[] | undefined {
    const value = this.#get(name);
    if (value === undefined) return undefined;
    if (!Array.isArray(value) || !value.every(isObject)) throw this.wrong(name, "is not a list of objects");
    return value;
  }

  /** Returns an object whose values are strings. */
  stringMap(name: string): Record<string, string> | undefined {
    const value = this.object(name);
    if (value === undefined) return undefined;
    if (![...Object.keys(value), ...Object.values(value)].every(isText)) {
      throw this.wrong(name, "has a value that is not a string");
    }
    return value as Record<string, string>;
  }

  /** Returns the keys of an object that represents a set. */
  keys(name: string): string[] | undefined {
    const value = this.object(name);
    if (value === undefined) return undefined;
    const keys = Object.keys(value);
    if (!keys.every(isText)) throw this.wrong(name, "has a key with a NUL");
    return keys;
  }

  /** Returns the error for a member, such as `config.Env is not a list of strings`. */
  wrong(name: string, problem: string): TsdError {
    return unusable(this.#what, `${this.#path}${name} ${problem}`);
  }

  #get(name: string): unknown {
    return Object.hasOwn(this.#object, name) ? this.#object[name] ?? undefined : undefined;
  }
}

/** Text in an image may not contain NUL, which would truncate it in system calls. */
const isText = (value: unknown): value is string => typeof value === "string" && !value.includes("\0");
