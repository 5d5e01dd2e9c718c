/**
 * @module
 * Parses the schema of a plugin's settings, in the plugin's notation: `{ url: { type: "text", about: "where to" } }`.
 * It is the data structure of `../schema.ts` from an untrusted source.
 */
import { TsdError } from "../../errors.ts";
import { object, type ObjectSchema, type Schema } from "../schema.ts";

/** Properties of each type beside `type`, `about` and `optional`. */
const PARTS: Readonly<Record<Schema["type"], readonly string[]>> = {
  text: [],
  whole: [],
  flag: [],
  json: [],
  choice: ["words"],
  list: ["of"],
  map: ["of"],
  object: ["fields"],
};

const MAX_DEPTH = 8;

/**
 * Parses a schema.
 * @param value schemas of the settings, by name
 * @throws {TsdError} invalid_argument
 */
export function parseSchema(value: unknown): ObjectSchema {
  return object(fieldsOf(value, "config", 0), "its settings");
}

function fieldsOf(value: unknown, where: string, depth: number): Record<string, Schema> {
  return Object.fromEntries(
    Object.entries(plain(value, where)).map(([name, each]) => [name, shapeOf(each, `${where}.${name}`, depth + 1)]),
  );
}

function shapeOf(value: unknown, where: string, depth: number): Schema {
  if (depth > MAX_DEPTH) throw wrong(where, "too deep");
  const { type, about = "", optional = false, ...parts } = plain(value, where);
  const known = typeof type === "string" && Object.hasOwn(PARTS, type) ? PARTS[type as Schema["type"]] : undefined;
  if (known === undefined) throw wrong(`${where}.type`, `none of ${Object.keys(PARTS).join(", ")}`);
  if (typeof about !== "string") throw wrong(`${where}.about`, "no text");
  if (typeof optional !== "boolean") throw wrong(`${where}.optional`, "neither true nor false");
  const odd = Object.keys(parts).find((part) => !known.includes(part));
  if (odd !== undefined) throw wrong(`${where}.${odd}`, `nothing that a shape of type ${String(type)} has`);
  const base = { about, ...optional && { optional } };
  switch (type as Schema["type"]) {
    case "choice":
      return { ...base, type: "choice", words: stringsOf(parts.words, `${where}.words`) };
    case "list":
    case "map":
      return { ...base, type: type as "list" | "map", of: shapeOf(parts.of, `${where}.of`, depth + 1) };
    case "object":
      return { ...base, type: "object", fields: fieldsOf(parts.fields, `${where}.fields`, depth) };
    default:
      return { ...base, type: type as "text" | "whole" | "flag" | "json" };
  }
}

function stringsOf(value: unknown, where: string): string[] {
  if (Array.isArray(value) && value.length > 0 && value.every((word) => typeof word === "string")) return value;
  throw wrong(where, "no list of words");
}

function plain(value: unknown, where: string): Record<string, unknown> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw wrong(where, "no object");
}

const wrong = (where: string, what: string) => new TsdError("invalid_argument", `${where} is ${what}`);
