/**
 * @module
 * Patches of several plugins as one. Each field, each entry of a map and each item of a keyed list belongs to the plugin
 * that sets it; lists that are appended to belong to everybody.
 */
import { TsdError } from "../errors.ts";
import type { Schema } from "./schema.ts";

/** What one plugin wants; it has the shape. */
export interface Patch {
  readonly plugin: string;
  readonly patch: unknown;
}

/** @throws {TsdError} conflict, naming both plugins and the field */
export function mergePatches(schema: Schema, patches: readonly Patch[]): unknown {
  const owners = new Map<string, string>();
  return patches.reduce<unknown>(
    (merged, { plugin, patch }) => join(schema, merged, patch, "", (place) => claim(owners, place, plugin)),
    undefined,
  );
}

type Claim = (place: string) => void;

function join(schema: Schema, before: unknown, patch: unknown, place: string, own: Claim): unknown {
  if (patch === undefined) return before;
  if (schema.type === "object") {
    return joinEntries(before, patch, (name) => schema.fields[name]!, place, own);
  }
  if (schema.type === "map") return joinEntries(before, patch, () => schema.of, place, own);
  if (schema.type === "list" && (schema.append || schema.key !== undefined)) {
    const { key } = schema;
    const items = patch as readonly Readonly<Record<string, unknown>>[];
    if (key !== undefined) { for (const item of items) own(`${place}[${item[key]}]`); }
    return [...(before as readonly unknown[] | undefined) ?? [], ...items];
  }
  own(place);
  return patch;
}

function joinEntries(
  before: unknown,
  patch: unknown,
  schemaOf: (name: string) => Schema,
  place: string,
  own: Claim,
): unknown {
  const merged = new Map(Object.entries((before ?? {}) as object));
  for (const [name, value] of Object.entries(patch as object)) {
    merged.set(name, join(schemaOf(name), merged.get(name), value, place === "" ? name : `${place}.${name}`, own));
  }
  return Object.fromEntries(merged);
}

function claim(owners: Map<string, string>, place: string, plugin: string): void {
  const owner = owners.get(place);
  if (owner === plugin) throw new TsdError("conflict", `Plugin ${plugin} sets ${place} twice`);
  if (owner !== undefined) throw new TsdError("conflict", `Plugins ${owner} and ${plugin} both set ${place}`);
  owners.set(place, plugin);
}
