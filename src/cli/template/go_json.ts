import { isList, isMap, Nil, sortedEntries, Struct, type Value } from "./value.ts";

/** JSON as Go writes it: the keys of maps in order, the fields of structs in theirs. */
export function goJson(value: unknown): string {
  const known = value as Value;
  if (known instanceof Struct) return known.text ?? members(Object.entries(known.toJSON() as object));
  if (value === undefined || known instanceof Nil) return "null";
  if (isList(known)) return `[${known.map(goJson).join(",")}]`;
  return isMap(known) ? members(sortedEntries(known)) : JSON.stringify(value);
}

const members = (entries: readonly (readonly [string, unknown])[]): string =>
  `{${entries.map(([key, value]) => `${JSON.stringify(key)}:${goJson(value)}`).join(",")}}`;
