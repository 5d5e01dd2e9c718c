import type { EventMessage } from "../api/wire/mod.ts";
import { encodeFilters, type ListFilters } from "./filters.ts";
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

async function* received(body: AsyncIterable<Uint8Array>): AsyncGenerator<ReceivedEvent> {
  for await (const { text, value: message } of textLines<EventMessage>(body)) {
    // Docker and tsd write it as the last field.
    const digits = /"timeNano":(\d+)\}$/.exec(text)?.[1];
    yield { message, text, timeNano: BigInt(digits ?? Math.round(message.timeNano ?? message.time * 1e9)) };
  }
}
