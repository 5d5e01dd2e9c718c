/**
 * @module
 * Merges the patches of several plugins. Each field, each entry of a map and each item of a keyed list belongs to the
 * plugin that sets it; lists that are appended to may be changed by all.
 */
import { TsdError } from "../errors.ts";
import type { Schema } from "./schema.ts";

/** A plugin's patch, validated by the schema. */
export interface Patch {
  readonly plugin: string;
  readonly patch: unknown;
}

/**
 * Merges patches in the order of the plugins.
 * @throws {TsdError} conflict, naming both plugins and the field
 */
export function mergePatches(schema: Schema, patches: readonly Patch[]): unknown {
  const owners = new Map<string, string>();
  return patches.reduce<unknown>(
    (merged, { plugin, patch }) => join(schema, merged, patch, "", (path) => claim(owners, path, plugin)),
    undefined,
  );
}

type Claim = (path: string) => void;

function join(schema: Schema, before: unknown, patch: unknown, path: string, claimField: Claim): unknown {
  if (patch === undefined) return before;
  if (schema.type === "object") {
    return joinEntries(before, patch, (name) => schema.fields[name]!, path, claimField);
  }
  if (schema.type === "map") return joinEntries(before, patch, () => schema.of, path, claimField);
  if (schema.type === "list" && (schema.append || schema.key !== undefined)) {
    const { key } = schema;
    const items = patch as readonly Readonly<Record<string, unknown>>[];
    if (key !== undefined) { for (const item of items) claimField(`${path}[${item[key]}]`); }
    return [...(before as readonly unknown[] | undefined) ?? [], ...items];
  }
  claimField(path);
  return patch;
}

function joinEntries(
  before: unknown,
  patch: unknown,
  schemaOf: (name: string) => Schema,
  path: string,
  claimField: Claim,
): unknown {
  const merged = new Map(Object.entries((before ?? {}) as object));
  for (const [name, value] of Object.entries(patch as object)) {
    merged.set(name, join(schemaOf(name), merged.get(name), value, path === "" ? name : `${path}.${name}`, claimField));
  }
  return Object.fromEntries(merged);
}

function claim(owners: Map<string, string>, path: string, plugin: string): void {
  const owner = owners.get(path);
  if (owner === plugin) throw new TsdError("conflict", `Plugin ${plugin} sets ${path} twice`);
  if (owner !== undefined) throw new TsdError("conflict", `Plugins ${owner} and ${plugin} both set ${path}`);
  owners.set(path, plugin);
}
