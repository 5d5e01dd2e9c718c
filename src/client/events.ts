import type { EventMessage } from "../api_types/mod.ts";
import { encodeFilters, type ListFilters } from "./filters.ts";
import { persistently } from "./reconnect.ts";
import { textLines } from "./json_lines.ts";
import type { EngineResponse, EngineTransport } from "./transport.ts";

/** Times are seconds since 1970, with a fraction where needed. */
export interface EventsRequest {
  readonly since?: string | undefined;
  readonly until?: string | undefined;
  readonly filters?: ListFilters;
  readonly signal?: AbortSignal;
}

/** An event, and what JSON.parse would lose of it. */
export interface ReceivedEvent {
  readonly message: EventMessage;
  /** The JSON as the engine sent it. */
  readonly text: string;
  /** `timeNano` in full. */
  readonly timeNano: bigint;
}

/** The media type of lines that begin with the event's place in the engine's history; asked for by a header. */
const POSITIONS_TYPE = "application/vnd.tsd.event-positions";
const NANOS = 1_000_000_000n;

/** Begins to listen: from the moment this resolves nothing is missed. */
export async function listenToEvents(
  engine: EngineTransport,
  request: EventsRequest = {},
): Promise<AsyncIterable<ReceivedEvent>> {
  const { body } = await ask(engine, request, {});
  return received(body);
}

/** Listens, across engines that go away and come back: then for what happened after the last event that was taken. */
export async function followEvents(
  engine: EngineTransport,
  request: EventsRequest,
  take: (event: ReceivedEvent) => Promise<void>,
): Promise<void> {
  const place = new Place(request.since);
  await persistently(async () => {
    const answer = await ask(engine, { ...request, since: place.since }, place.headers);
    place.begins(answer);
    return answer;
  }, async ({ headers, body }) => {
    const hasPositions = headers.get("content-type") === POSITIONS_TYPE;
    for await (const event of received(body, hasPositions)) if (place.isNew(event)) await take(event);
  });
}

/** Where in the past a follower is. By the event's number in the engine's history, or by its time with Docker's engines. */
class Place {
  readonly #startedAt = (Date.now() / 1000).toFixed(3);
  #hasRequested = false;
  #since: string | undefined;
  /** As the engine writes it. */
  #position: string | undefined;
  /** Taken ones of the latest time: an engine that goes by times tells them once more. */
  #latest = { timeNano: -1n, texts: new Set<string>() };

  constructor(since: string | undefined) {
    this.#since = since;
  }

  /** So that nothing is missed that happens while nobody listens. */
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

  /** Whoever wants the past is nowhere before an event has come. */
  begins({ headers }: EngineResponse): void {
    if (this.#since === undefined) this.#position = headers.get("tsd-event-position");
  }

  isNew({ timeNano, text, sequence }: NumberedEvent): boolean {
    if (timeNano === this.#latest.timeNano && this.#latest.texts.has(text)) return false;
    if (timeNano !== this.#latest.timeNano) this.#latest = { timeNano, texts: new Set() };
    this.#latest.texts.add(text);
    this.#since = `${timeNano / NANOS}.${String(timeNano % NANOS).padStart(9, "0")}`;
    this.#position = sequence && `${sequence}.${timeNano}`;
    return true;
  }
}

type NumberedEvent = ReceivedEvent & { readonly sequence: string | undefined };

async function ask(
  engine: EngineTransport,
  { since, until, filters = {}, signal }: EventsRequest,
  headers: Readonly<Record<string, string>>,
): Promise<EngineResponse> {
  const query = { since, until, filters: encodeFilters(filters) };
  const request = { method: "GET", path: "/events", query, headers } as const;
  return await engine.request(signal === undefined ? request : { ...request, signal });
}

async function* received(body: AsyncIterable<Uint8Array>, hasPositions = false): AsyncGenerator<NumberedEvent> {
  for await (const { text, prefix: sequence, value: message } of textLines<EventMessage>(body, hasPositions)) {
    // Docker and tsd write it as the last field.
    const digits = /"timeNano":(\d+)\}$/.exec(text)?.[1];
    yield { message, text, sequence, timeNano: BigInt(digits ?? Math.round(message.timeNano ?? message.time * 1e9)) };
  }
}
