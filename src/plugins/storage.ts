/**
 * @module
 * A plugin's own storage: names and values of JSON, kept by the engine. Bounded, so that no plugin fills the disk.
 */
import { TsdError } from "../errors.ts";
import { STORED } from "./contexts.ts";
import type { Json } from "./schema.ts";
import { conform } from "./validate.ts";

export const MAX_KEYS = 1000;
export const MAX_VALUE_BYTES = 64 << 10;
const MAX_KEY_CHARACTERS = 200;

/** What a plugin sees of it. Errors: invalid_argument (what is too large, or no JSON). */
export interface PluginStorage {
  get(key: string): Promise<Json | undefined>;
  set(key: string, value: Json): Promise<void>;
  /** Says whether it was there. */
  delete(key: string): Promise<boolean>;
  /** Names that begin with `prefix`, in order. */
  list(prefix?: string): Promise<readonly string[]>;
}

/** Rows of all plugins, values as text. */
export interface PluginRows {
  get(plugin: string, key: string): string | undefined;
  set(plugin: string, key: string, value: string): void;
  delete(plugin: string, key: string): boolean;
  keys(plugin: string): readonly string[];
}

/** The part of one plugin. */
export function pluginStorage(rows: PluginRows, plugin: string): PluginStorage {
  return {
    get: (key) => settle(() => parsed(rows.get(plugin, checkedKey(key)))),
    delete: (key) => settle(() => rows.delete(plugin, checkedKey(key))),
    list: (prefix = "") => settle(() => rows.keys(plugin).filter((key) => key.startsWith(prefix))),
    set: (key, value) =>
      settle(() => {
        const text = JSON.stringify(conform(STORED, value, `the value of ${checkedKey(key)}`));
        if (new TextEncoder().encode(text).length > MAX_VALUE_BYTES) {
          throw refuse(`the value of ${key} is larger than ${MAX_VALUE_BYTES} bytes`);
        }
        const isNew = rows.get(plugin, key) === undefined;
        if (isNew && rows.keys(plugin).length >= MAX_KEYS) throw refuse(`it has ${MAX_KEYS} keys already`);
        rows.set(plugin, key, text);
      }),
  };
}

/** Storage that nobody keeps, for tests and for engines without a database. */
export function memoryRows(): PluginRows {
  const all = new Map<string, Map<string, string>>();
  const of = (plugin: string) => {
    if (!all.has(plugin)) all.set(plugin, new Map());
    return all.get(plugin)!;
  };
  return {
    get: (plugin, key) => of(plugin).get(key),
    set: (plugin, key, value) => void of(plugin).set(key, value),
    delete: (plugin, key) => of(plugin).delete(key),
    keys: (plugin) => [...of(plugin).keys()].sort(),
  };
}

function checkedKey(key: unknown): string {
  if (typeof key === "string" && key !== "" && key.length <= MAX_KEY_CHARACTERS) return key;
  throw refuse(`a key is a text of 1 to ${MAX_KEY_CHARACTERS} characters`);
}

const parsed = (text: string | undefined) => text === undefined ? undefined : JSON.parse(text) as Json;

const refuse = (why: string) => new TsdError("invalid_argument", `Cannot keep this for a plugin: ${why}`);

/** What is thrown becomes a rejection: others keep these things behind a process's border. */
const settle = <T>(body: () => T): Promise<T> => new Promise((resolve) => resolve(body()));
