/**
 * @module
 * Volumes, as database rows. A row makes a volume visible; its files are in a directory with its name.
 */
import type { Database, Row } from "./database.ts";

type StringMap = Readonly<Record<string, string>>;

/** A stored volume. */
export interface VolumeRecord {
  readonly name: string;
  /** Unix time in ms. */
  readonly createdMs: number;
  /** Null if none were given: clients can tell the difference. */
  readonly labels: StringMap | null;
  /** Driver options; null as above. */
  readonly options: StringMap | null;
}

/** Table access for volumes. */
export class VolumeRecords {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  insert({ name, createdMs, labels, options }: VolumeRecord): void {
    const values = [name, createdMs, JSON.stringify(labels), JSON.stringify(options)] as const;
    this.#db.run("INSERT INTO volumes (name, created_ms, labels, options) VALUES (?, ?, ?, ?)", ...values);
  }

  rename(name: string, newName: string): void {
    this.#db.run("UPDATE volumes SET name = ? WHERE name = ?", newName, name);
  }

  remove(name: string): void {
    this.#db.run("DELETE FROM volumes WHERE name = ?", name);
  }

  /** Lists volumes by name. */
  list(): VolumeRecord[] {
    return this.#db.all("SELECT * FROM volumes ORDER BY name").map(fromRow);
  }
}

function fromRow(row: Row): VolumeRecord {
  return {
    name: String(row.name),
    createdMs: Number(row.created_ms),
    labels: JSON.parse(String(row.labels)) as StringMap | null,
    options: JSON.parse(String(row.options)) as StringMap | null,
  };
}
