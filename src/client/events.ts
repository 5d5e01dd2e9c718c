import type { EventMessage } from "../api_types/mod.ts";
import { encodeFilters, type ListFilters } from "./filters.ts";
import { textLines } from "./json_lines.ts";
import { isConnectionLost, retryOnce, retryUntilAvailable } from "./reconnect.ts";
import type { CallOptions } from "./resource.ts";
import { type Timestamp, unixSeconds } from "./timestamp.ts";
import type { EngineResponse, EngineTransport } from "./transport.ts";

/** Options of `Client.events`. */
export interface EventsOptions extends CallOptions {
  /** Begins with the recorded events since this time. Default: with the next event. */
  readonly since?: Timestamp | undefined;
  /** Ends at this time, at once if it has passed. Default: no end. */
  readonly until?: Timestamp | undefined;
  readonly filters?: ListFilters;
}

/** An event, and what `JSON.parse` would lose of it. */
export interface ReceivedEvent {
  readonly message: EventMessage;
  /** The JSON as the engine sent it. */
  readonly text: string;
  /** `timeNano` in full. */
  readonly timeNano: bigint;
}

/** The media type of lines that begin with the event's number in the engine's history. Requested by a header. */
const POSITIONS_TYPE = "application/vnd.tsd.event-positions";
const NANOS = 1_000_000_000n;

/** Begins to listen: no event is missed from the moment on at which this resolves. */
export async function listenToEvents(
  engine: EngineTransport,
  options: EventsOptions = {},
): Promise<AsyncIterable<ReceivedEvent>> {
  const { body } = await requestEvents(engine, options, unixSeconds(options.since), {});
  return parseEvents(body);
}

/** Yields events, and reconnects when the engine is replaced: then it yields those after the last event. */
export async function* followEvents(engine: EngineTransport, options: EventsOptions): AsyncGenerator<ReceivedEvent> {
  const position = new EventPosition(unixSeconds(options.since));
  const request = async () => {
    const response = await requestEvents(engine, options, position.since, position.headers);
    position.begin(response);
    return response;
  };
  for (let response = await retryOnce(request);; response = await retryUntilAvailable(request)) {
    const hasNumbers = response.headers.get("content-type") === POSITIONS_TYPE;
    try {
      for await (const event of parseEvents(response.body, hasNumbers)) if (position.advance(event)) yield event;
      return;
    } catch (thrown) {
      if (!isConnectionLost(thrown)) throw thrown;
    }
  }
}

/** A position in the history of events: the number of the last event, or its time with Docker's engines. */
class EventPosition {
  readonly #startedAt = (Date.now() / 1000).toFixed(3);
  #hasRequested = false;
  #since: string | undefined;
  /** As the engine writes it. */
  #position: string | undefined;
  /** The events of the latest time, which an engine without numbers sends again. */
  #latest = { timeNano: -1n, texts: new Set<string>() };

  constructor(since: string | undefined) {
    this.#since = since;
  }

  /** From the second request on there is always a time, so that nothing is missed while nobody listens. */
  get since(): string | undefined {
    if (this.#hasRequested) this.#since ??= this.#startedAt;
    this.#hasRequested = true;
    return this.#since;
  }

  get headers(): Readonly<Record<string, string>> {
    return {
      "Tsd-Event-Positions": "1",
      ...(this.#position !== undefined && { "Tsd-Events-After": this.#position }),
    };
  }

  /** Takes the position at which a response begins. A request for past events has none before its first event. */
  begin({ headers }: EngineResponse): void {
    if (this.#since === undefined) this.#position = headers.get("tsd-event-position");
  }

  /** Moves to an event. Returns false if it was received before. */
  advance({ timeNano, text, sequence }: NumberedEvent): boolean {
    if (timeNano === this.#latest.timeNano && this.#latest.texts.has(text)) return false;
    if (timeNano !== this.#latest.timeNano) this.#latest = { timeNano, texts: new Set() };
    this.#latest.texts.add(text);
    this.#since = `${timeNano / NANOS}.${String(timeNano % NANOS).padStart(9, "0")}`;
    this.#position = sequence && `${sequence}.${timeNano}`;
    return true;
  }
}

type NumberedEvent = ReceivedEvent & { readonly sequence: string | undefined };

async function requestEvents(
  engine: EngineTransport,
  { until, filters = {}, signal }: EventsOptions,
  since: string | undefined,
  headers: Readonly<Record<string, string>>,
): Promise<EngineResponse> {
  const query = { since, until: unixSeconds(until), filters: encodeFilters(filters) };
  const request = { method: "GET", path: "/events", query, headers } as const;
  return await engine.request(signal === undefined ? request : { ...request, signal });
}

async function* parseEvents(body: AsyncIterable<Uint8Array>, hasNumbers = false): AsyncGenerator<NumberedEvent> {
  for await (const { text, prefix: sequence, value: message } of textLines<EventMessage>(body, hasNumbers)) {
    // Docker and tsd write it as the last field.
    const digits = /"timeNano":(\d+)\}$/.exec(text)?.[1];
    yield { message, text, sequence, timeNano: BigInt(digits ?? Math.round(message.timeNano ?? message.time * 1e9)) };
  }
}
