import type { EventMessage } from "../api_types/mod.ts";
import { encodeFilters, type ListFilters } from "./filters.ts";
import { persistently } from "./reconnect.ts";
import { textLines } from "./json_lines.ts";
import type { EngineTransport } from "./transport.ts";

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

/** Begins to listen: from the moment this resolves nothing is missed. */
export async function listenToEvents(
  engine: EngineTransport,
  { since, until, filters = {}, signal }: EventsRequest = {},
): Promise<AsyncIterable<ReceivedEvent>> {
  const query = { since, until, filters: encodeFilters(filters) };
  const request = { method: "GET", path: "/events", query } as const;
  const { body } = await engine.request(signal === undefined ? request : { ...request, signal });
  return received(body);
}

const NANOS = 1_000_000_000n;

/** Listens, across engines that go away and come back: then for what happened after the last event that was taken. */
export async function followEvents(
  engine: EngineTransport,
  request: EventsRequest,
  take: (event: ReceivedEvent) => Promise<void>,
): Promise<void> {
  /** Taken ones of the latest time: the engine tells them once more. */
  let latest = { timeNano: -1n, texts: new Set<string>() };
  // So that nothing is missed that happens while nobody listens.
  let since = request.since;
  const startedAt = `${(Date.now() / 1000).toFixed(3)}`;
  await persistently(async () => {
    const events = await listenToEvents(engine, { ...request, since });
    since ??= startedAt;
    return events;
  }, async (events) => {
    for await (const event of events) {
      const { timeNano, text } = event;
      if (timeNano === latest.timeNano && latest.texts.has(text)) continue;
      if (timeNano !== latest.timeNano) latest = { timeNano, texts: new Set() };
      latest.texts.add(text);
      since = `${timeNano / NANOS}.${String(timeNano % NANOS).padStart(9, "0")}`;
      await take(event);
    }
  });
}

async function* received(body: AsyncIterable<Uint8Array>): AsyncGenerator<ReceivedEvent> {
  for await (const { text, value: message } of textLines<EventMessage>(body)) {
    // Docker and tsd write it as the last field.
    const digits = /"timeNano":(\d+)\}$/.exec(text)?.[1];
    yield { message, text, timeNano: BigInt(digits ?? Math.round(message.timeNano ?? message.time * 1e9)) };
  }
}
