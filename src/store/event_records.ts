/**
 * @module
 * The engine's last events as rows, and intents: events of steps that have begun. An event is written together with the
 * change that it tells of ({@link Trace}), so that an engine that is killed leaves both or neither.
 */
import type { Database, Row } from "./database.ts";

/** A stored event; see the engine's `EngineEvent`. */
export interface StoredEvent {
  /** Position in the order of events: 1, 2, … without gaps. */
  readonly sequence: number;
  readonly type: string;
  readonly action: string;
  readonly actorId: string;
  readonly attributes: Readonly<Record<string, string>>;
  /** Nanoseconds since the Unix epoch. */
  readonly timeNano: bigint;
}

/** A range of the past. */
export interface EventPage {
  /** Exclusive lower bound of the sequence numbers. */
  readonly after: number;
  /** Inclusive upper bound. */
  readonly last: number;
  readonly sinceNano: bigint;
  readonly limit: number;
}

/** The change in the database that an event tells of. */
export interface Trace {
  /** Writes the change and nothing else; it is called again when the transaction was rolled back. */
  write(): void;
  /** Whether a power cut must not undo it: then writing waits for the disk. */
  readonly lasts?: boolean;
}

/** Writes a change: alone, or together with the event that tells of it. @throws what `trace` throws */
export type Recording = (trace: Trace) => void;

/** Writes a change that nobody is told of. */
export const UNTOLD: Recording = (trace) => trace.write();

/** An event of a step that has begun; `H` is plain JSON. */
export interface StoredIntent<H> {
  readonly id: number;
  readonly event: H;
}

const INSERT = "INSERT INTO events (sequence, time_nano, type, action, actor_id, attributes) VALUES (?, ?, ?, ?, ?, ?)";
const COLUMNS = "sequence, CAST(time_nano AS TEXT) AS time_nano, type, action, actor_id, attributes";
// The time is beyond what a JavaScript number holds exactly.
const PAGE = `SELECT ${COLUMNS} FROM events WHERE sequence > ? AND sequence <= ? AND time_nano >= ?
  ORDER BY sequence LIMIT ?`;
/** The oldest events are dropped each time that so many have come. */
const DROP_EVERY = 256;

/** Table access for events and intents. */
export class EventRecords {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** The newest event, if there is one. */
  last(): StoredEvent | undefined {
    const row = this.#db.get(`SELECT ${COLUMNS} FROM events ORDER BY sequence DESC LIMIT 1`);
    return row && fromRow(row);
  }

  /** The event with this number, if it is kept. */
  get(sequence: number): StoredEvent | undefined {
    const row = this.#db.get(`SELECT ${COLUMNS} FROM events WHERE sequence = ?`, sequence);
    return row && fromRow(row);
  }

  /** Of one thing all that are kept of an action, newest first. */
  of(type: string, action: string, actorId: string): StoredEvent[] {
    const where = "type = ? AND action = ? AND actor_id = ? ORDER BY sequence DESC";
    return this.#db.all(`SELECT ${COLUMNS} FROM events WHERE ${where}`, type, action, actorId).map(fromRow);
  }

  /**
   * Adds events in order, ends their intents and makes the change they tell of, all in one transaction. Of all events at
   * least the newest `keep` stay. Without a change that lasts, a power cut may undo it.
   */
  append(
    events: readonly StoredEvent[],
    keep: number,
    { trace, intents = [] }: { readonly trace?: Trace | undefined; readonly intents?: readonly number[] } = {},
  ): void {
    this.#together(trace, () => {
      for (const id of intents) this.dropIntent(id);
      for (const event of events) this.#insert(event, keep);
    });
  }

  /** Notes that a step has begun, together with the change by which it begins. Returns the intent's number. */
  intend(event: unknown, trace?: Trace): number {
    return this.#together(trace, () => {
      const { id } = this.#db.get("INSERT INTO event_intents (event) VALUES (?) RETURNING id", JSON.stringify(event))!;
      return Number(id);
    });
  }

  /** The step of this intent came to nothing. */
  dropIntent(id: number): void {
    this.#db.transactionUnsynced(() => this.#db.run("DELETE FROM event_intents WHERE id = ?", id));
  }

  /** Oldest first. */
  intents<H>(): StoredIntent<H>[] {
    return this.#db.all("SELECT id, event FROM event_intents ORDER BY id").map(({ id, event }) => ({
      id: Number(id),
      event: JSON.parse(String(event)) as H,
    }));
  }

  page({ after, last, sinceNano, limit }: EventPage): StoredEvent[] {
    return this.#db.all(PAGE, after, last, sinceNano, limit).map(fromRow);
  }

  /** Begins a sync of all that was written so far. */
  syncSoon(): void {
    this.#db.syncSoon();
  }

  #insert({ sequence, timeNano, type, action, actorId, attributes }: StoredEvent, keep: number): void {
    this.#db.run(INSERT, sequence, timeNano, type, action, actorId, JSON.stringify(attributes));
    if (sequence % DROP_EVERY === 0) this.#db.run("DELETE FROM events WHERE sequence <= ?", sequence - keep);
  }

  #together<T>(trace: Trace | undefined, body: () => T): T {
    const both = () => {
      trace?.write();
      return body();
    };
    if (trace === undefined) return this.#db.transactionUnsynced(both);
    return trace.lasts ? this.#db.transaction(both) : this.#db.transactionSoon(both);
  }
}

function fromRow(row: Row): StoredEvent {
  return {
    sequence: Number(row.sequence),
    type: String(row.type),
    action: String(row.action),
    actorId: String(row.actor_id),
    attributes: JSON.parse(String(row.attributes)) as Record<string, string>,
    timeNano: BigInt(String(row.time_nano)),
  };
}
