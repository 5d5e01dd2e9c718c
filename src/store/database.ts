/**
 * @module
 * The engine's one SQLite database (`<data-root>/tsd.db`): WAL. What is committed survives the end of this process,
 * however it ends, and a power cut too, but for what is written with `Soon`: another thread syncs that at once, and it
 * lasts when it is {@link Database.synced}. Content lies in files; a row here is what makes it visible. Only the engine
 * process opens it (it holds the run lock), so statements never wait for another writer.
 */
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import { TsdError } from "../errors.ts";
import { GroupCommit } from "./group_commit.ts";
import { MIGRATIONS } from "./migrations.ts";

/** One row, by column name. */
export type Row = Record<string, string | number | bigint | Uint8Array | null>;

/** A value that a statement can bind. */
export type Value = SQLInputValue;

/** Hears that the disk refused to keep what was written `Soon`. It may take it the next time, but then that is lost. */
export type SyncFailed = (thrown: unknown) => void;

/** Opens, migrates and queries the database. Statements are prepared once and kept. */
export class Database implements Disposable {
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  readonly #path: string;
  readonly #late = new GroupCommit(() => this.#syncLog());
  #log: Deno.FsFile | undefined;
  readonly #report: SyncFailed;
  #isFull = true;
  #depth = 0;

  private constructor(db: DatabaseSync, path: string, report: SyncFailed) {
    this.#db = db;
    this.#path = path;
    this.#report = report;
  }

  /** Opens or creates the database at `path` (`:memory:` for tests). @throws {TsdError} storage */
  static open(path: string, report: SyncFailed = () => {}): Database {
    try {
      const db = new DatabaseSync(path);
      db.exec("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA busy_timeout=2000;");
      const opened = new Database(db, path, report);
      opened.#migrate(path);
      opened.#log = openLog(path);
      return opened;
    } catch (cause) {
      if (cause instanceof TsdError) throw cause;
      throw new TsdError("storage", `Cannot open the database ${path}: ${messageOf(cause)}`, { cause });
    }
  }

  /** Runs a statement that changes something; returns the number of rows it touched. */
  run(sql: string, ...values: Value[]): number {
    this.#syncEach(true);
    const changes = Number(this.#prepare(sql).run(...values).changes);
    // One sync of the log stands for all that is in it.
    if (changes > 0 && this.#depth === 0) this.#late.isSafe();
    return changes;
  }

  /** The same, without waiting for the disk. */
  runSoon(sql: string, ...values: Value[]): number {
    this.#syncEach(false);
    const { changes } = this.#prepare(sql).run(...values);
    this.#syncSoon();
    return Number(changes);
  }

  /** Resolves when all that was written so far survives a power cut. @throws {TsdError} storage */
  synced(): Promise<void> {
    return this.#late.done();
  }

  /** The first row, or undefined. */
  get(sql: string, ...values: Value[]): Row | undefined {
    return this.#prepare(sql).get(...values) as Row | undefined;
  }

  /** All rows. */
  all(sql: string, ...values: Value[]): Row[] {
    return this.#prepare(sql).all(...values) as Row[];
  }

  /** Runs `body` in one transaction, which commits when it returns and rolls back when it throws. Nests. */
  transaction<T>(body: () => T): T {
    if (this.#depth > 0 && !this.#isFull) throw new Error("a transaction that lasts inside one that need not");
    if (this.#depth > 0) return body();
    this.#syncEach(true);
    return this.#inTransaction(body);
  }

  /** The same, without waiting for the disk. */
  transactionSoon<T>(body: () => T): T {
    if (this.#depth > 0) return body();
    this.#syncEach(false);
    const result = this.#inTransaction(body);
    this.#syncSoon();
    return result;
  }

  #inTransaction<T>(body: () => T): T {
    this.#db.exec("BEGIN IMMEDIATE");
    this.#depth++;
    let result: T;
    try {
      result = body();
    } catch (thrown) {
      this.#depth--;
      this.#db.exec("ROLLBACK");
      throw thrown;
    }
    this.#depth--;
    this.#db.exec("COMMIT");
    return result;
  }

  /** Closing writes all of the log into the database, and syncs both. */
  [Symbol.dispose](): void {
    this.#statements.clear();
    this.#db.close();
    this.#log?.close();
    this.#log = undefined;
    this.#late.isSafe();
  }

  #syncSoon(): void {
    if (this.#depth > 0) return;
    this.#late.wrote();
    this.#late.done().catch(this.#report);
  }

  /** Whether a commit waits for the disk. A transaction under way stays what it is (sqlite.org/pragma.html). */
  #syncEach(isFull: boolean): void {
    if (this.#depth > 0 || isFull === this.#isFull) return;
    this.#db.exec(isFull ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL");
    this.#isFull = isFull;
  }

  /** What has left the log by then was synced with the database (sqlite.org/wal.html, "Checkpointing"). */
  async #syncLog(): Promise<void> {
    try {
      await this.#log?.syncData();
    } catch (cause) {
      throw new TsdError("storage", `Cannot sync the database ${this.#path}: ${messageOf(cause)}`, { cause });
    }
  }

  #prepare(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) this.#statements.set(sql, statement = this.#db.prepare(sql));
    return statement;
  }

  #migrate(path: string): void {
    const version = Number(this.get("PRAGMA user_version")?.user_version ?? 0);
    if (version > MIGRATIONS.length) {
      throw new TsdError(
        "storage",
        `Cannot open the database ${path}: it was written by a newer tsd (format ${version}, this one knows ${MIGRATIONS.length})`,
      );
    }
    for (let next = version; next < MIGRATIONS.length; next++) {
      this.transaction(() => this.#db.exec(`${MIGRATIONS[next]}; PRAGMA user_version=${next + 1};`));
    }
  }
}

/** Whether SQLite refused a row because a UNIQUE or PRIMARY KEY constraint would break. */
export function isConstraintError(thrown: unknown): boolean {
  // SQLITE_CONSTRAINT is 19; extended codes keep it in the low byte (sqlite.org/rescode.html).
  return thrown instanceof Error && "errcode" in thrown && (Number(thrown.errcode) & 0xff) === 19;
}

/** SQLite keeps this file for as long as the database is open. What is in memory only has none; a file system without locks neither. */
function openLog(path: string): Deno.FsFile | undefined {
  try {
    return Deno.openSync(`${path}-wal`, { read: true });
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return undefined;
    throw thrown;
  }
}

const messageOf = (thrown: unknown): string => thrown instanceof Error ? thrown.message : String(thrown);
