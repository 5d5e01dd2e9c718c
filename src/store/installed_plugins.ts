/**
 * @module
 * Installed plugins, as database rows: each plugin's file and manifest, its granted permissions and configuration, and
 * whether it is enabled.
 */
import type { Database, Row } from "./database.ts";

/** An installed plugin. The JSON columns have the types of `src/plugins/host/manifest.ts`. */
export interface InstalledPlugin<Manifest = unknown, Permissions = unknown> {
  readonly name: string;
  /** Absolute path. */
  readonly file: string;
  /** SHA-256, in hex, of the file that the manifest was read from. */
  readonly digest: string;
  readonly manifest: Manifest;
  readonly granted: Permissions;
  readonly config: Readonly<Record<string, unknown>>;
  readonly isEnabled: boolean;
}

/** Table access for plugins. */
export class InstalledPlugins<Manifest = unknown, Permissions = unknown> {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** Inserts a plugin, or replaces the one with that name. */
  put({ name, file, digest, manifest, granted, config, isEnabled }: InstalledPlugin<Manifest, Permissions>): void {
    this.#db.run(
      `INSERT INTO plugins (name, file, digest, manifest, granted, config, is_enabled) VALUES (?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT (name) DO UPDATE SET file = excluded.file, digest = excluded.digest, manifest = excluded.manifest,
        granted = excluded.granted, config = excluded.config, is_enabled = excluded.is_enabled`,
      ...[name, file, digest, JSON.stringify(manifest), JSON.stringify(granted), JSON.stringify(config)],
      isEnabled ? 1 : 0,
    );
  }

  remove(name: string): void {
    this.#db.run("DELETE FROM plugins WHERE name = ?", name);
  }

  /** Lists plugins in order of installation; replacing a plugin keeps its position. */
  list(): InstalledPlugin<Manifest, Permissions>[] {
    return this.#db.all("SELECT * FROM plugins ORDER BY rowid").map((row) => this.#fromRow(row));
  }

  /** Returns a plugin's position, a number above 0, or the next free one if it isn't installed. */
  placeOf(name: string): number {
    const row = this.#db.get(
      "SELECT coalesce((SELECT rowid FROM plugins WHERE name = ?), (SELECT max(rowid) FROM plugins) + 1, 1) AS place",
      name,
    );
    return Number(row!.place);
  }

  #fromRow(row: Row): InstalledPlugin<Manifest, Permissions> {
    return {
      name: String(row.name),
      file: String(row.file),
      digest: String(row.digest),
      manifest: JSON.parse(String(row.manifest)) as Manifest,
      granted: JSON.parse(String(row.granted)) as Permissions,
      config: JSON.parse(String(row.config)) as Readonly<Record<string, unknown>>,
      isEnabled: row.is_enabled === 1,
    };
  }
}
