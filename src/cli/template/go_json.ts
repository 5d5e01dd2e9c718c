import { isList, isMap, Nil, sortedEntries, Struct, type Value } from "./value.ts";

/** Encodes JSON as Go does: maps with sorted keys, structs in the order of their fields. */
export function goJson(value: unknown): string {
  const known = value as Value;
  if (known instanceof Struct) return known.text ?? members(Object.entries(known.toJSON() as object));
  if (value === undefined || known instanceof Nil) return "null";
  if (isList(known)) return `[${known.map(goJson).join(",")}]`;
  return isMap(known) ? members(sortedEntries(known)) : JSON.stringify(value);
}

const members = (entries: readonly (readonly [string, unknown])[]): string =>
  `{${entries.map(([key, value]) => `${JSON.stringify(key)}:${goJson(value)}`).join(",")}}`;
