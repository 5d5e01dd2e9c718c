/**
 * @module
 * Where everything that happens is told, and where clients listen (`GET /events`). A listener first gets what was kept of
 * the past that it asks for, then what happens, without a gap or a repetition between the two. Telling never waits for a
 * listener: one that falls too far behind is cut off. An event is on record before anybody is told of it, and with it the
 * change that it tells of.
 */
import { TsdError } from "../../errors.ts";
import type { Trace } from "../../store/event_records.ts";
import { AsyncQueue } from "../../async/queue.ts";
import type { ActionOf, EngineEvent, EventKind, PendingEvent } from "./event.ts";
import type { EventHistory, EventPosition } from "./event_history.ts";

/** Most events that wait for one listener. */
const MAX_BEHIND = 10_000;
/** The longest time that a timer can wait, in ms. */
const MAX_TIMER_MS = 2 ** 31 - 1;
const NANOS_PER_MS = 1_000_000n;
/** A clock that was set back by less doesn't set events back: who asks for those since the last one misses none. */
const MAX_STEP_BACK_NANO = 5_000n * NANOS_PER_MS;

/** Which events a listener wants. */
export interface EventSelection {
  /** From when on, in nanoseconds since 1970. Without it (and without `untilNano` and `after`) nothing of the past. */
  readonly sinceNano?: bigint | undefined;
  /** Those after this one, whatever their times; where that one isn't known `sinceNano` counts. */
  readonly after?: EventPosition | undefined;
  /** Up to when; a time in the past ends the listening after the replay. */
  readonly untilNano?: bigint | undefined;
  readonly matches: (event: EngineEvent) => boolean;
}

interface Listener {
  readonly selection: EventSelection;
  readonly queue: AsyncQueue<EngineEvent>;
  behind: number;
}

/** What services tell. */
export interface EventSink {
  /**
   * Tells of something that has happened, and writes what it has changed. An engine that is killed leaves both or neither.
   * @throws what `trace` throws; then nothing is told
   */
  publish<K extends EventKind>(pending: PendingEvent<K>, trace?: Trace): void;
  /** The same for all that one change has brought about. */
  publishAll(pendingEvents: readonly PendingEvent[], trace?: Trace): void;
  /**
   * Notes that a step has begun whose event is told at its end, with the change by which it begins. The engine after one
   * that was killed meanwhile finds that: {@link EventBus.leftIntents}. @throws what `trace` throws
   */
  intend<K extends EventKind>(pending: PendingEvent<K>, trace?: Trace): EventIntent;
}

/** An event of a step that has begun. One of the two is called, once. */
export interface EventIntent {
  /** The step is over: tells of it. */
  publish(trace?: Trace): void;
  /** The step came to nothing. */
  drop(): void;
}

/** The same, of an engine before this one. */
export interface LeftIntent extends EventIntent {
  readonly pending: PendingEvent;
}

/** See the module's comment. */
export class EventBus implements EventSink {
  readonly #history: EventHistory;
  readonly #now: () => number;
  readonly #listeners = new Set<Listener>();

  /** @param now Unix time in ms */
  constructor(history: EventHistory, now: () => number = Date.now) {
    this.#history = history;
    this.#now = now;
  }

  /** Listeners at present. */
  get listenerCount(): number {
    return this.#listeners.size;
  }

  /** The newest event's. */
  get position(): EventPosition {
    return this.#history.position;
  }

  publish<K extends EventKind>(pending: PendingEvent<K>, trace?: Trace): void {
    this.#publish([pending], trace);
  }

  publishAll(pendingEvents: readonly PendingEvent[], trace?: Trace): void {
    this.#publish(pendingEvents, trace);
  }

  intend<K extends EventKind>(pending: PendingEvent<K>, trace?: Trace): EventIntent {
    return this.#intent(pending, this.#history.intend(pending, trace));
  }

  /** What is kept of one thing and an action, newest first; also what engines before this one have told. */
  reported<K extends EventKind>(type: K, action: ActionOf<K>, actorId: string): EngineEvent[] {
    return this.#history.of(type, action, actorId);
  }

  /** Of steps that an engine before this one had begun, oldest first. Each is to be published or dropped. */
  orphanedIntents(): LeftIntent[] {
    return this.#history.orphanedIntents().map(({ id, event }) => ({ pending: event, ...this.#intent(event, id) }));
  }

  /** Listening has begun when this returns; it ends with `signal` or at `untilNano`. */
  listen(selection: EventSelection, signal: AbortSignal): AsyncIterable<EngineEvent> {
    const { untilNano } = selection;
    const nowMs = this.#now();
    const past = this.#past(selection);
    const isOver = untilNano !== undefined && untilNano < BigInt(nowMs) * NANOS_PER_MS;
    const live = isOver ? [] : this.#live(selection, signal);
    return (async function* () {
      for (const event of past) {
        if (signal.aborted) return;
        if (isRequested(selection, event)) yield event;
      }
      yield* live;
    })();
  }

  /** Ends all listening. */
  close(): void {
    for (const { queue } of this.#listeners) queue.end();
    this.#listeners.clear();
  }

  #past({ sinceNano, untilNano, after }: EventSelection): Iterable<EngineEvent> {
    const later = after && this.#history.readAfter(after);
    if (later !== undefined) return later;
    return sinceNano === undefined && untilNano === undefined ? [] : this.#history.read(sinceNano ?? 0n);
  }

  #publish(pendingEvents: readonly PendingEvent[], trace?: Trace, intent?: number): void {
    const timeNano = this.#stamp();
    const events = pendingEvents.map(({ type, action, detail, actorId, attributes }, at) => {
      const shown = detail === undefined ? action : `${action}: ${detail}`;
      return { type, action: shown, actorId, attributes, timeNano: timeNano + BigInt(at) };
    });
    for (const event of this.#history.add(events, trace, intent)) {
      for (const listener of this.#listeners) this.#deliver(listener, event);
    }
  }

  #intent<K extends EventKind>(pending: PendingEvent<K>, id: number | undefined): EventIntent {
    return {
      publish: (trace) => this.#publish([pending], trace, id),
      drop: () => id === undefined ? undefined : this.#history.dropIntent(id),
    };
  }

  #live(selection: EventSelection, signal: AbortSignal): AsyncIterable<EngineEvent> {
    const listener: Listener = { selection, queue: new AsyncQueue(), behind: 0 };
    const end = () => {
      this.#listeners.delete(listener);
      listener.queue.end();
    };
    const timer = this.#endAt(selection.untilNano, end);
    signal.addEventListener("abort", end);
    if (signal.aborted) end();
    else this.#listeners.add(listener);
    return (async function* () {
      try {
        for await (const event of listener.queue) {
          listener.behind--;
          yield event;
        }
      } finally {
        timer[Symbol.dispose]();
        signal.removeEventListener("abort", end);
        end();
      }
    })();
  }

  #endAt(untilNano: bigint | undefined, end: () => void): Disposable {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const arm = () => {
      if (untilNano === undefined) return;
      const remainingMs = Number(untilNano / NANOS_PER_MS) - this.#now();
      timer = setTimeout(remainingMs <= 0 ? end : arm, Math.min(Math.max(remainingMs, 0), MAX_TIMER_MS));
    };
    arm();
    return { [Symbol.dispose]: () => clearTimeout(timer) };
  }

  #deliver(listener: Listener, event: EngineEvent): void {
    if (!isRequested(listener.selection, event)) return;
    if (++listener.behind <= MAX_BEHIND) return listener.queue.push(event);
    this.#listeners.delete(listener);
    listener.queue.fail(new TsdError("cancelled", `A listener for events fell ${MAX_BEHIND} events behind`));
  }

  /** Later than the event before, also of an engine before, unless the clock was set back by more than a correction. */
  #stamp(): bigint {
    const nano = BigInt(this.#now()) * NANOS_PER_MS;
    const { timeNano: last } = this.#history.position;
    return nano <= last && last - nano < MAX_STEP_BACK_NANO ? last + 1n : nano;
  }
}

/** Of the past, those since a time were chosen already; what happens from now on is wanted whatever the clock says. */
function isRequested({ untilNano, matches }: EventSelection, event: EngineEvent): boolean {
  if (untilNano !== undefined && event.timeNano > untilNano) return false;
  return matches(event);
}
