/**
 * @module
 * Validates values that come from plugins by their schemas. Messages name the field and the problem.
 */
import { TsdError } from "../errors.ts";
import type { Infer, ObjectSchema, Schema } from "./schema.ts";

/** Maximum number of items of a list and of entries of a map. */
const MAX_ITEMS = 1000;
/** Maximum length of a string, in characters. */
const MAX_TEXT = 1 << 16;
/** Maximum depth of free-form JSON. */
const MAX_DEPTH = 32;

/** {@link check} for a schema whose type is known to the caller. */
export function conform<S extends Schema>(schema: S, value: unknown, where = ""): Infer<S> {
  return check(schema, value, where) as Infer<S>;
}

/**
 * Returns a copy of the value that contains only what the schema allows.
 * @param where path of the value, for messages; empty for the whole
 * @throws {TsdError} invalid_argument, naming the field
 */
export function check(schema: Schema, value: unknown, where = ""): unknown {
  switch (schema.type) {
    case "text":
      if (typeof value !== "string") throw wrong(where, "no text");
      if (value.length > MAX_TEXT) throw wrong(where, `longer than ${MAX_TEXT} characters`);
      if (value.includes("\0")) throw wrong(where, "a text with a NUL");
      return value;
    case "whole":
      if (!Number.isSafeInteger(value)) throw wrong(where, "no whole number");
      return value;
    case "flag":
      if (typeof value !== "boolean") throw wrong(where, "neither true nor false");
      return value;
    case "choice":
      if (!schema.words.some((word) => word === value)) throw wrong(where, `none of ${schema.words.join(", ")}`);
      return value;
    case "list":
      if (!Array.isArray(value)) throw wrong(where, "no list");
      if (value.length > MAX_ITEMS) throw wrong(where, `longer than ${MAX_ITEMS} items`);
      return value.map((item, at) => check(schema.of, item, `${where}[${at}]`));
    case "map": {
      const entries = Object.entries(plain(value, where));
      if (entries.length > MAX_ITEMS) throw wrong(where, `larger than ${MAX_ITEMS} fields`);
      return Object.fromEntries(entries.map(([name, item]) => [name, check(schema.of, item, memberPath(where, name))]));
    }
    case "object":
      return checkFields(schema, plain(value, where), where);
    case "json":
      return checkJson(value, where, 0);
  }
}

function checkFields({ fields }: ObjectSchema, value: Readonly<Record<string, unknown>>, where: string): unknown {
  const unknown = Object.keys(value).find((name) => !Object.hasOwn(fields, name));
  if (unknown !== undefined) {
    throw wrong(
      memberPath(where, unknown),
      `no field that is known here (known are ${Object.keys(fields).join(", ")})`,
    );
  }
  const found: [string, unknown][] = [];
  for (const [name, schema] of Object.entries(fields)) {
    const given = Object.hasOwn(value, name) ? value[name] : undefined;
    const isMissing = given === undefined || (given === null && schema.type !== "json");
    if (isMissing && schema.optional) continue;
    if (isMissing) throw wrong(memberPath(where, name), "missing");
    found.push([name, check(schema, given, memberPath(where, name))]);
  }
  return Object.fromEntries(found);
}

function checkJson(value: unknown, where: string, depth: number): unknown {
  if (depth > MAX_DEPTH) throw wrong(where, "too deep");
  if (value === null || typeof value === "boolean" || typeof value === "string" || Number.isFinite(value)) return value;
  if (Array.isArray(value)) return value.map((item, at) => checkJson(item, `${where}[${at}]`, depth + 1));
  const entries = Object.entries(plain(value, where, "nothing that JSON can say"));
  return Object.fromEntries(entries.map(([name, item]) => [name, checkJson(item, memberPath(where, name), depth + 1)]));
}

function plain(value: unknown, where: string, what = "no object"): Readonly<Record<string, unknown>> {
  const prototype = typeof value === "object" && value !== null ? Object.getPrototypeOf(value) : undefined;
  if (prototype === Object.prototype || prototype === null) return value as Record<string, unknown>;
  throw wrong(where, what);
}

const memberPath = (where: string, name: string) => where === "" ? name : `${where}.${name}`;

const wrong = (where: string, what: string) =>
  new TsdError("invalid_argument", `${where === "" ? "the value" : where} is ${what}`);
