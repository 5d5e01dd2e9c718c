/**
 * @module
 * The last events, in the database. An event is written before anybody is told of it, in one transaction with the change
 * that it tells of: whatever was answered or has happened, a follower of the next engine is told. What can't be written,
 * as the disk is full, stays in memory.
 */
import { toTsdError } from "../../errors.ts";
import type { Log } from "../../log.ts";
import type { EventRecords, StoredEvent, Trace } from "../../store/event_records.ts";
import type { EngineEvent, PendingEvent } from "./event.ts";

/** How many events are kept. */
const MAX_RETAINED = 10_000;
/** A sync of the last events waits so long for others, in ms: a power cut may take them, a kill does not. */
const SYNC_MS = 250;
/** How long after a failure writing is tried again, in ms. */
const RETRY_MS = 5_000;
const PAGE_EVENTS = 500;

/** Where in the history a follower is: it has been given this event and all before. */
export interface EventPosition {
  readonly sequence: number;
  /** Of that event: engines whose disk is full may give a number twice. */
  readonly timeNano: bigint;
}

/** See the module's comment. Disposing of it writes what is left. */
export class EventHistory implements Disposable {
  readonly #records: EventRecords;
  readonly #log: Log;
  /** Events that could not be written. */
  readonly #pending: StoredEvent[] = [];
  #last: EventPosition;
  #syncTimer: ReturnType<typeof setTimeout> | undefined;
  #retryTimer: ReturnType<typeof setTimeout> | undefined;
  #hasFailed = false;

  constructor(records: EventRecords, log: Log) {
    this.#records = records;
    this.#log = log.scope("events");
    this.#last = records.last() ?? { sequence: 0, timeNano: 0n };
  }

  /** The newest event's. */
  get position(): EventPosition {
    return this.#last;
  }

  /**
   * Adds events, and writes the change that they tell of: both, or the change alone where the disk doesn't take both.
   * @param intent of the step that they tell of
   * @throws what `trace` throws; then nothing has changed
   */
  add(events: readonly Omit<EngineEvent, "sequence">[], trace?: Trace, intent?: number): EngineEvent[] {
    const first = this.#last.sequence + 1;
    const stored = events.map((event, at): StoredEvent => ({ ...event, sequence: first + at }));
    if (!this.#write(stored, trace, intent)) {
      this.#pending.push(...stored);
      this.#pending.splice(0, this.#pending.length - MAX_RETAINED);
    }
    const last = stored.at(-1);
    if (last !== undefined) this.#last = { sequence: last.sequence, timeNano: last.timeNano };
    return stored;
  }

  /** Notes the event of a step that has begun, with the change by which it begins. @throws what `trace` throws */
  intend(pending: PendingEvent, trace?: Trace): number | undefined {
    try {
      return this.#records.intend(pending, trace);
    } catch (thrown) {
      trace?.write();
      this.#report(thrown);
      return undefined;
    }
  }

  /** The step came to nothing. */
  dropIntent(intent: number): void {
    try {
      this.#records.dropIntent(intent);
    } catch (thrown) {
      this.#report(thrown);
    }
  }

  /** Of steps that an engine before this one had begun, oldest first. */
  orphanedIntents(): { readonly id: number; readonly event: PendingEvent }[] {
    return this.#records.intents<PendingEvent>();
  }

  /** Of one thing all that are kept of an action, newest first. */
  of(type: string, action: string, actorId: string): EngineEvent[] {
    const isOne = (event: EngineEvent) => event.type === type && event.action === action && event.actorId === actorId;
    return [...this.#pending.filter(isOne).toReversed(), ...this.#records.of(type, action, actorId)];
  }

  /** Writes what could not be written before. */
  flush(): void {
    clearTimeout(this.#retryTimer);
    this.#retryTimer = undefined;
    try {
      if (this.#pending.length > 0) this.#records.append(this.#pending, MAX_RETAINED);
      this.#pending.length = 0;
      this.#hasFailed = false;
    } catch (thrown) {
      this.#report(thrown);
    }
  }

  /** What happened from `sinceNano` up to this call, in order; read page by page. */
  read(sinceNano: bigint): Iterable<EngineEvent> {
    return this.#upTo(this.#last.sequence, 0, sinceNano);
  }

  /** What happened after that event, up to this call. Undefined where this history doesn't have it: it is another's. */
  readAfter({ sequence, timeNano }: EventPosition): Iterable<EngineEvent> | undefined {
    const isKnown = sequence === 0 || this.#find(sequence)?.timeNano === timeNano;
    return isKnown ? this.#upTo(this.#last.sequence, sequence, undefined) : undefined;
  }

  [Symbol.dispose](): void {
    this.flush();
    clearTimeout(this.#retryTimer);
    clearTimeout(this.#syncTimer);
  }

  #find(sequence: number): StoredEvent | undefined {
    return this.#pending.find((event) => event.sequence === sequence) ?? this.#records.get(sequence);
  }

  /** Whether the events were written. The change is, or this throws. */
  #write(events: readonly StoredEvent[], trace: Trace | undefined, intent: number | undefined): boolean {
    const intents = intent === undefined ? [] : [intent];
    // In their order: later ones wait for those that could not be written.
    if (this.#pending.length > 0) {
      trace?.write();
      intents.forEach((id) => this.dropIntent(id));
      return false;
    }
    try {
      this.#records.append(events, MAX_RETAINED, { trace, intents });
    } catch (thrown) {
      trace?.write();
      this.#report(thrown);
      return false;
    }
    this.#syncTimer ??= setTimeout(() => this.#sync(), SYNC_MS);
    return true;
  }

  #sync(): void {
    this.#syncTimer = undefined;
    this.#records.syncSoon();
  }

  /** A full disk costs the past, never the present. */
  #report(thrown: unknown): void {
    if (!this.#hasFailed) this.#log.warn("events can't be written", { error: toTsdError(thrown).message });
    this.#hasFailed = true;
    this.#retryTimer ??= setTimeout(() => this.flush(), RETRY_MS);
  }

  *#upTo(last: number, first: number, sinceNano = 0n): Generator<EngineEvent> {
    for (let after = first;;) {
      const page = this.#records.page({ after, last, sinceNano, limit: PAGE_EVENTS });
      const isLast = page.length < PAGE_EVENTS;
      // What isn't written is taken in the same moment in which the database has no more.
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
