/**
 * @module
 * The engine's containers, as database rows: their configuration (`record`, rarely changed) and their `state`. Names
 * have a UNIQUE constraint, so that of two concurrent creations with one name exactly one succeeds.
 */
import { TsdError } from "../errors.ts";
import { type Database, isConstraintError, type Row } from "./database.ts";

/** A stored container; `R` and `S` are plain JSON. */
export interface StoredContainer<R, S> {
  readonly id: string;
  readonly name: string;
  /** Unix time in ms. */
  readonly createdMs: number;
  readonly imageId: string;
  readonly record: R;
  readonly state: S;
}

/**
 * Table access for containers. Inserts, state changes and removals don't wait for the disk; {@link
 * ContainerRecords.synced} does. Changes by a user are durable at once.
 */
export class ContainerRecords<R, S> {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** Adds a container. @throws {TsdError} name_in_use, with Docker's text */
  insert(container: StoredContainer<R, S>): void {
    try {
      this.#db.runSoon(
        "INSERT INTO containers (id, name, created_ms, image_id, record, state) VALUES (?, ?, ?, ?, ?, ?)",
        container.id,
        container.name,
        container.createdMs,
        container.imageId,
        JSON.stringify(container.record),
        JSON.stringify(container.state),
      );
    } catch (cause) {
      throw this.#nameError(container.name, cause);
    }
  }

  /** Renames a container. @throws {TsdError} name_in_use, with Docker's text */
  rename(id: string, name: string): void {
    try {
      this.#db.run("UPDATE containers SET name = ? WHERE id = ?", name, id);
    } catch (cause) {
      throw this.#nameError(name, cause);
    }
  }

  /** Saves a container's configuration. */
  saveRecord(id: string, record: R): void {
    this.#db.run("UPDATE containers SET record = ? WHERE id = ?", JSON.stringify(record), id);
  }

  /** Saves a container's state. */
  saveState(id: string, state: S): void {
    this.#db.runSoon("UPDATE containers SET state = ? WHERE id = ?", JSON.stringify(state), id);
  }

  remove(id: string): void {
    this.#db.runSoon("DELETE FROM containers WHERE id = ?", id);
  }

  /** Resolves when all writes so far are durable. @throws {TsdError} storage */
  synced(): Promise<void> {
    return this.#db.synced();
  }

  list(): StoredContainer<R, S>[] {
    return this.#db.all("SELECT * FROM containers ORDER BY created_ms DESC, id").map((row) => fromRow<R, S>(row));
  }

  idByName(name: string): string | undefined {
    return this.#db.get("SELECT id FROM containers WHERE name = ?", name)?.id as string | undefined;
  }

  #nameError(name: string, cause: unknown): unknown {
    if (!isConstraintError(cause)) return cause;
    const holder = this.idByName(name) ?? "another container";
    return new TsdError(
      "name_in_use",
      `Conflict. The container name "/${name}" is already in use by container "${holder}". ` +
        "You have to remove (or rename) that container to be able to reuse that name.",
      { cause },
    );
  }
}

function fromRow<R, S>(row: Row): StoredContainer<R, S> {
  return {
    id: String(row.id),
    name: String(row.name),
    createdMs: Number(row.created_ms),
    imageId: String(row.image_id),
    record: JSON.parse(String(row.record)) as R,
    state: JSON.parse(String(row.state)) as S,
  };
}
