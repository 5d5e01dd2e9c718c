/**
 * @module
 * The engine's SQLite database (`<data-root>/tsd.db`), in WAL mode. What is committed survives a crash of this process
 * and a power cut, except for writes with `Soon`, which don't wait for the disk: another thread syncs them right away,
 * and they are durable when {@link Database.synced} resolves. Content is in files; a row here makes it visible. Only
 * the engine process opens the database (it holds the run lock), so statements never wait for another writer.
 */
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import { TsdError } from "../errors.ts";
import { GroupCommit } from "./group_commit.ts";
import { MIGRATIONS } from "./migrations.ts";

/** A row, by column name. */
export type Row = Record<string, string | number | bigint | Uint8Array | null>;

/** A value that can be bound to a statement. */
export type Value = SQLInputValue;

/** Called if the disk failed to sync writes with `Soon`. A later sync may succeed, but those writes may be lost. */
export type SyncFailed = (thrown: unknown) => void;

/** Opens, migrates and queries the database. Caches prepared statements. */
export class Database implements Disposable {
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  readonly #path: string;
  readonly #groupCommit = new GroupCommit(() => this.#syncLog());
  #log: Deno.FsFile | undefined;
  readonly #onSyncFailed: SyncFailed;
  #isFull = true;
  #depth = 0;

  private constructor(db: DatabaseSync, path: string, onSyncFailed: SyncFailed) {
    this.#db = db;
    this.#path = path;
    this.#onSyncFailed = onSyncFailed;
  }

  /**
   * Opens or creates the database at `path` (`:memory:` for tests); the caller disposes of it.
   * @throws {TsdError} storage
   */
  static open(path: string, onSyncFailed: SyncFailed = () => {}): Database {
    try {
      const db = new DatabaseSync(path);
      db.exec("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA busy_timeout=2000;");
      const opened = new Database(db, path, onSyncFailed);
      opened.#migrate(path);
      opened.#log = openLog(path);
      return opened;
    } catch (cause) {
      if (cause instanceof TsdError) throw cause;
      throw new TsdError("storage", `Cannot open the database ${path}: ${messageOf(cause)}`, { cause });
    }
  }

  /** Executes a statement that modifies data, durably; returns the number of affected rows. */
  run(sql: string, ...values: Value[]): number {
    this.#setSynchronous(true);
    const changes = Number(this.#prepare(sql).run(...values).changes);
    // One sync of the log covers everything in it.
    if (changes > 0 && this.#depth === 0) this.#groupCommit.markDurable();
    return changes;
  }

  /** Like {@link Database.run}, without waiting for the disk. */
  runSoon(sql: string, ...values: Value[]): number {
    this.#setSynchronous(false);
    const { changes } = this.#prepare(sql).run(...values);
    this.#syncSoon();
    return Number(changes);
  }

  /** Resolves when all writes so far are durable. @throws {TsdError} storage */
  synced(): Promise<void> {
    return this.#groupCommit.done();
  }

  /** Returns the first row, or undefined. */
  get(sql: string, ...values: Value[]): Row | undefined {
    return this.#prepare(sql).get(...values) as Row | undefined;
  }

  /** Returns all rows. */
  all(sql: string, ...values: Value[]): Row[] {
    return this.#prepare(sql).all(...values) as Row[];
  }

  /**
   * Runs `body` in a transaction, which is committed durably when it returns and rolled back when it throws. May be
   * nested.
   */
  transaction<T>(body: () => T): T {
    if (this.#depth > 0 && !this.#isFull) throw new Error("a transaction that lasts inside one that need not");
    if (this.#depth > 0) return body();
    this.#setSynchronous(true);
    return this.#inTransaction(body);
  }

  /** Like {@link Database.transaction}, without waiting for the disk. */
  transactionSoon<T>(body: () => T): T {
    if (this.#depth > 0) return body();
    this.#setSynchronous(false);
    const result = this.#inTransaction(body);
    this.#syncSoon();
    return result;
  }

  /**
   * Runs `body` in one transaction that no sync is begun for: a kill of the process loses nothing, a power cut what was
   * not synced for another reason, or by {@link Database.syncSoon}.
   */
  transactionUnsynced<T>(body: () => T): T {
    if (this.#depth > 0) return body();
    this.#setSynchronous(false);
    return this.#inTransaction(body);
  }

  /** Begins a sync of what was written so far, in another thread. */
  syncSoon(): void {
    this.#syncSoon();
  }

  #inTransaction<T>(body: () => T): T {
    this.#db.exec("BEGIN IMMEDIATE");
    this.#depth++;
    try {
      const result = body();
      this.#db.exec("COMMIT");
      return result;
    } catch (thrown) {
      // A full disk may have ended it already (sqlite.org/lang_transaction.html, section 3).
      if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
      throw thrown;
    } finally {
      this.#depth--;
    }
  }

  /** Closes the database; SQLite then checkpoints the log and syncs both. */
  [Symbol.dispose](): void {
    this.#statements.clear();
    this.#db.close();
    this.#log?.close();
    this.#log = undefined;
    this.#groupCommit.markDurable();
  }

  #syncSoon(): void {
    if (this.#depth > 0) return;
    this.#groupCommit.wrote();
    this.#groupCommit.done().catch(this.#onSyncFailed);
  }

  /** Sets whether a commit waits for the disk. No effect within a transaction (sqlite.org/pragma.html). */
  #setSynchronous(isFull: boolean): void {
    if (this.#depth > 0 || isFull === this.#isFull) return;
    this.#db.exec(isFull ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL");
    this.#isFull = isFull;
  }

  /**
   * What is no longer in the log was synced with the database by a checkpoint (sqlite.org/wal.html, "Checkpointing").
   */
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

/** Returns whether SQLite rejected a row because of a UNIQUE or PRIMARY KEY constraint. */
export function isConstraintError(thrown: unknown): boolean {
  // SQLITE_CONSTRAINT is 19; extended codes keep it in the low byte (sqlite.org/rescode.html).
  return thrown instanceof Error && "errcode" in thrown && (Number(thrown.errcode) & 0xff) === 19;
}

/**
 * Opens the WAL file, which SQLite keeps while the database is open. Returns undefined if there is none: for an
 * in-memory database, or on a file system without locks.
 */
function openLog(path: string): Deno.FsFile | undefined {
  try {
    return Deno.openSync(`${path}-wal`, { read: true });
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return undefined;
    throw thrown;
  }
}

const messageOf = (thrown: unknown): string => thrown instanceof Error ? thrown.message : String(thrown);
