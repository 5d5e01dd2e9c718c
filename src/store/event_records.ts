/**
 * @module
 * The engine's most recent events, as database rows. They serve queries of past events; nothing depends on them.
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

/** A query for past events. */
export interface EventPage {
  /** Exclusive lower bound of the sequence numbers. */
  readonly after: number;
  /** Inclusive upper bound. */
  readonly last: number;
  readonly sinceNano: bigint;
  readonly limit: number;
}

const INSERT = "INSERT INTO events (sequence, time_nano, type, action, actor_id, attributes) VALUES (?, ?, ?, ?, ?, ?)";
// The time exceeds what a JavaScript number represents exactly.
const PAGE = `SELECT sequence, CAST(time_nano AS TEXT) AS time_nano, type, action, actor_id, attributes FROM events
  WHERE sequence > ? AND sequence <= ? AND time_nano >= ? ORDER BY sequence LIMIT ?`;

/** Table access for events. */
export class EventRecords {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** Returns the newest event's sequence number, or 0. */
  lastSequence(): number {
    return Number(this.#db.get("SELECT max(sequence) AS last FROM events")?.last ?? 0);
  }

  /** Adds events, in order, and deletes all but the newest `keep`, in one transaction. A power cut may undo it. */
  append(events: readonly StoredEvent[], keep: number): void {
    this.#db.transactionSoon(() => {
      for (const { sequence, timeNano, type, action, actorId, attributes } of events) {
        this.#db.run(INSERT, sequence, timeNano, type, action, actorId, JSON.stringify(attributes));
      }
      this.#db.run("DELETE FROM events WHERE sequence <= ?", events.at(-1)!.sequence - keep);
    });
  }

  page({ after, last, sinceNano, limit }: EventPage): StoredEvent[] {
    return this.#db.all(PAGE, after, last, sinceNano, limit).map(fromRow);
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
