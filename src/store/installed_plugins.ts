/**
 * @module
 * Plugins as rows: what is known of each file, what it was granted and given, and whether it is wanted.
 */
import type { Database, Row } from "./database.ts";

/** A stored plugin. What is JSON here has its shapes in `src/plugins/host/manifest.ts`. */
export interface InstalledPlugin<Manifest = unknown, Permissions = unknown> {
  readonly name: string;
  /** Absolute. */
  readonly file: string;
  /** SHA-256 of the file that the manifest is of, in hex. */
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

  /** In place of one of that name. */
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

  /** As they came; one that was put again stays where it was. */
  list(): InstalledPlugin<Manifest, Permissions>[] {
    return this.#db.all("SELECT * FROM plugins ORDER BY rowid").map((row) => this.#fromRow(row));
  }

  /** Where it stands among the others, by a number above 0; that of the next one if it isn't there. */
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
