/**
 * @module
 * The shape of a plugin's settings, as the plugin says it: `{ url: { type: "text", about: "where to" } }`. It is the data of
 * `../schema.ts`, from somebody who may have written anything.
 */
import { TsdError } from "../../errors.ts";
import { object, type ObjectSchema, type Schema } from "../schema.ts";

/** What each type has beside `type`, `about` and `optional`. */
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

/** @param said by name, a shape for each setting @throws {TsdError} invalid_argument */
export function parseSchema(said: unknown): ObjectSchema {
  return object(fieldsOf(said, "config", 0), "its settings");
}

function fieldsOf(said: unknown, where: string, depth: number): Record<string, Schema> {
  return Object.fromEntries(
    Object.entries(plain(said, where)).map(([name, each]) => [name, shapeOf(each, `${where}.${name}`, depth + 1)]),
  );
}

function shapeOf(said: unknown, where: string, depth: number): Schema {
  if (depth > MAX_DEPTH) throw wrong(where, "too deep");
  const { type, about = "", optional = false, ...parts } = plain(said, where);
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

function stringsOf(said: unknown, where: string): string[] {
  if (Array.isArray(said) && said.length > 0 && said.every((word) => typeof word === "string")) return said;
  throw wrong(where, "no list of words");
}

function plain(said: unknown, where: string): Record<string, unknown> {
  if (typeof said === "object" && said !== null && !Array.isArray(said)) return said as Record<string, unknown>;
  throw wrong(where, "no object");
}

const wrong = (where: string, what: string) => new TsdError("invalid_argument", `${where} is ${what}`);
