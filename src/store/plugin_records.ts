/**
 * @module
 * Data that plugins store, as database rows: JSON values by key, separate for each plugin.
 */
import type { Database } from "./database.ts";

/** Table access for plugins' data. */
export class PluginRecords {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  get(plugin: string, key: string): string | undefined {
    const row = this.#db.get("SELECT value FROM plugin_storage WHERE plugin = ? AND key = ?", plugin, key);
    return row === undefined ? undefined : String(row.value);
  }

  set(plugin: string, key: string, value: string): void {
    this.#db.run(
      "INSERT INTO plugin_storage (plugin, key, value) VALUES (?, ?, ?) " +
        "ON CONFLICT (plugin, key) DO UPDATE SET value = excluded.value",
      ...[plugin, key, value],
    );
  }

  /** Returns whether the key existed. */
  delete(plugin: string, key: string): boolean {
    return this.#db.run("DELETE FROM plugin_storage WHERE plugin = ? AND key = ?", plugin, key) > 0;
  }

  /** Lists keys in order. */
  keys(plugin: string): string[] {
    const rows = this.#db.all("SELECT key FROM plugin_storage WHERE plugin = ? ORDER BY key", plugin);
    return rows.map(({ key }) => String(key));
  }

  /** Deletes all data of a plugin that was removed. */
  clear(plugin: string): void {
    this.#db.run("DELETE FROM plugin_storage WHERE plugin = ?", plugin);
  }
}
