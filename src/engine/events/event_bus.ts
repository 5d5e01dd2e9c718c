/**
 * @module
 * Where everything that happens is told, and where clients listen (`GET /events`). A listener first gets what was kept of
 * the past that it asks for, then what happens, without a gap or a repetition between the two. Telling never waits for a
 * listener: one that falls too far behind is cut off.
 */
import { TsdError } from "../../errors.ts";
import { AsyncQueue } from "../../async/queue.ts";
import type { EngineEvent, EventKind, PendingEvent } from "./event.ts";
import type { EventHistory } from "./event_history.ts";

/** Most events that wait for one listener. */
const MAX_BEHIND = 10_000;
/** The longest time that a timer can wait, in ms. */
const MAX_TIMER_MS = 2 ** 31 - 1;
const NANOS_PER_MS = 1_000_000n;

/** Which events a listener wants. */
export interface EventSelection {
  /** From when on, in nanoseconds since 1970. Without it (and without `untilNano`) nothing of the past. */
  readonly sinceNano?: bigint | undefined;
  /** Up to when; a time in the past ends the listening after the replay. */
  readonly untilNano?: bigint | undefined;
  readonly matches: (event: EngineEvent) => boolean;
}

interface Listener {
  readonly selection: EventSelection;
  readonly queue: AsyncQueue<EngineEvent>;
  behind: number;
}

/** What services tell; the one method that most of the engine needs. */
export interface EventSink {
  publish<K extends EventKind>(happening: PendingEvent<K>): void;
}

/** See the module's comment. */
export class EventBus implements EventSink {
  readonly #history: EventHistory;
  readonly #now: () => number;
  readonly #listeners = new Set<Listener>();
  #last = { ms: 0, nano: 0n };

  /** @param now Unix time in ms */
  constructor(history: EventHistory, now: () => number = Date.now) {
    this.#history = history;
    this.#now = now;
  }

  /** Listeners at present. */
  get listenerCount(): number {
    return this.#listeners.size;
  }

  /** Tells of something that has happened. */
  publish<K extends EventKind>({ type, action, detail, actorId, attributes }: PendingEvent<K>): void {
    const event: EngineEvent = {
      type,
      action: detail === undefined ? action : `${action}: ${detail}`,
      actorId,
      attributes,
      timeNano: this.#stamp(),
    };
    this.#history.add(event);
    for (const listener of this.#listeners) this.#deliver(listener, event);
  }

  /** Listening has begun when this returns; it ends with `signal` or at `untilNano`. */
  listen(selection: EventSelection, signal: AbortSignal): AsyncIterable<EngineEvent> {
    const { sinceNano, untilNano } = selection;
    const nowMs = this.#now();
    const past = sinceNano === undefined && untilNano === undefined ? [] : this.#history.read(sinceNano ?? 0n);
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

  #stamp(): bigint {
    const ms = this.#now();
    const nano = ms === this.#last.ms ? this.#last.nano + 1n : BigInt(ms) * NANOS_PER_MS;
    this.#last = { ms, nano };
    return nano;
  }
}

function isRequested({ sinceNano, untilNano, matches }: EventSelection, event: EngineEvent): boolean {
  if (sinceNano !== undefined && event.timeNano < sinceNano) return false;
  if (untilNano !== undefined && event.timeNano > untilNano) return false;
  return matches(event);
}
