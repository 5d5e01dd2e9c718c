/**
 * @module
 * Key-value storage of plugins with JSON values. Bounded, so that no plugin fills the disk.
 */
import { TsdError } from "../errors.ts";
import { STORED } from "./contexts.ts";
import type { Json } from "./schema.ts";
import { conform } from "./validate.ts";

export const MAX_KEYS = 1000;
export const MAX_VALUE_BYTES = 64 << 10;
const MAX_KEY_CHARACTERS = 200;

/**
 * The storage of one plugin.
 * @throws {TsdError} invalid_argument if a key, a value or the number of keys is too large, or a value is not JSON
 */
export interface PluginStorage {
  get(key: string): Promise<Json | undefined>;
  set(key: string, value: Json): Promise<void>;
  /** Returns whether the key existed. */
  delete(key: string): Promise<boolean>;
  /** Returns the keys that begin with `prefix`, in order. */
  list(prefix?: string): Promise<readonly string[]>;
}

/** The rows of all plugins, with serialized values. */
export interface PluginRows {
  get(plugin: string, key: string): string | undefined;
  set(plugin: string, key: string, value: string): void;
  delete(plugin: string, key: string): boolean;
  keys(plugin: string): readonly string[];
}

/** Returns the storage of one plugin. */
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

/** Returns storage in memory, for tests and for engines without a database. */
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

/**
 * Converts exceptions to rejections: the interface is asynchronous because other implementations are in another
 * process.
 */
const settle = <T>(body: () => T): Promise<T> => new Promise((resolve) => resolve(body()));
