/**
 * @module
 * The last events, for whoever asks for the past: in the database, so that they outlive the engine, behind a short list in
 * memory that is written in batches, so that nothing waits for the disk because something happened.
 */
import { toTsdError } from "../../errors.ts";
import type { Log } from "../../log.ts";
import type { EventRecords, StoredEvent } from "../../store/event_records.ts";
import type { EngineEvent } from "./event.ts";

/** How many events are kept. */
const MAX_RETAINED = 10_000;
/** How long an event waits for others before it is written, in ms. */
const BATCH_MS = 250;
/** As many are written at once without waiting. */
const BATCH_EVENTS = 512;
/** How long after a failure writing is tried again, in ms. */
const RETRY_MS = 5_000;
const PAGE_EVENTS = 500;

/** See the module's comment. Disposing of it writes what is left. */
export class EventHistory implements Disposable {
  readonly #records: EventRecords;
  readonly #log: Log;
  readonly #pending: StoredEvent[] = [];
  #sequence: number;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #failed = false;

  constructor(records: EventRecords, log: Log) {
    this.#records = records;
    this.#log = log.scope("events");
    this.#sequence = records.lastSequence();
  }

  add(event: EngineEvent): void {
    this.#pending.push({ ...event, sequence: ++this.#sequence });
    if (this.#pending.length > MAX_RETAINED) this.#pending.shift();
    if (this.#pending.length >= BATCH_EVENTS && !this.#failed) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), this.#failed ? RETRY_MS : BATCH_MS);
  }

  /** Writes what waits. A full disk costs the past, never the present: what can't be written stays in memory. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#pending.length === 0) return;
    try {
      this.#records.append(this.#pending, MAX_RETAINED);
      this.#pending.length = 0;
      this.#failed = false;
    } catch (thrown) {
      if (!this.#failed) this.#log.warn("events can't be written", { error: toTsdError(thrown).message });
      this.#failed = true;
      this.#timer = setTimeout(() => this.flush(), RETRY_MS);
    }
  }

  /** What happened from `sinceNano` up to this call, in order; read piece by piece. */
  read(sinceNano: bigint): Iterable<EngineEvent> {
    return this.#upTo(this.#sequence, sinceNano);
  }

  [Symbol.dispose](): void {
    this.flush();
    clearTimeout(this.#timer);
  }

  *#upTo(last: number, sinceNano: bigint): Generator<EngineEvent> {
    for (let after = 0;;) {
      const page = this.#records.page({ after, last, sinceNano, limit: PAGE_EVENTS });
      const isLast = page.length < PAGE_EVENTS;
      // What isn't written yet is taken in the same moment in which the database has no more.
      yield* isLast ? [...page, ...this.#waiting(after, last, sinceNano)] : page;
      if (isLast) return;
      after = page.at(-1)!.sequence;
    }
  }

  #waiting(after: number, last: number, sinceNano: bigint): StoredEvent[] {
    return this.#pending.filter(({ sequence, timeNano }) =>
      sequence > after && sequence <= last && timeNano >= sinceNano
    );
  }
}
