/**
 * @module
 * What plugins keep, as rows: names and values of JSON, each plugin's apart from the others'.
 */
import type { Database } from "./database.ts";

/** Table access for what plugins keep. */
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

  /** Says whether it was there. */
  delete(plugin: string, key: string): boolean {
    return this.#db.run("DELETE FROM plugin_storage WHERE plugin = ? AND key = ?", plugin, key) > 0;
  }

  /** In order. */
  keys(plugin: string): string[] {
    const rows = this.#db.all("SELECT key FROM plugin_storage WHERE plugin = ? ORDER BY key", plugin);
    return rows.map(({ key }) => String(key));
  }

  /** Everything of a plugin that is gone for good. */
  clear(plugin: string): void {
    this.#db.run("DELETE FROM plugin_storage WHERE plugin = ?", plugin);
  }
}
