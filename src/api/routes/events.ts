/**
 * @module
 * `GET /events`. tsd's own clients are told each event's place in the history (`Tsd-Event-Positions`), and name the one
 * that they got last when they come back after a loss (`Tsd-Events-After`): times can't tell, as clocks are set.
 */
import type { EngineEvent } from "../../engine/events/event.ts";
import type { EventPosition } from "../../engine/events/event_history.ts";
import { TsdError } from "../../errors.ts";
import type { Reply } from "../http/reply.ts";
import type { ApiRequest, Route } from "../http/route.ts";
import { atLeast } from "../http/version.ts";
import type { Engine } from "../../engine/mod.ts";
import { EVENT_FILTER_KEYS, passesEventFilters } from "../views/event_filters.ts";
import { eventText, parseNanos } from "../views/event_view.ts";

export function eventRoutes(engine: Pick<Engine, "events">): Route[] {
  return [{ method: "GET", path: "/events", since: "1.24", handler: (request) => listen(engine, request) }];
}

/** The request header for lines that begin with the event's sequence number and a space. */
const POSITIONS_HEADER = "tsd-event-positions";
const POSITIONS_TYPE = "application/vnd.tsd.event-positions";
/** The request header with a position of an earlier response: only later events are sent. */
const AFTER_HEADER = "tsd-events-after";

/** Subscribes before the head is sent, so that a client that has received the head misses no event. */
function listen({ events: { bus: events } }: Pick<Engine, "events">, request: ApiRequest): Reply {
  const { query, version, signal } = request;
  const filters = query.filters(EVENT_FILTER_KEYS);
  const [since, until] = [query.text("since"), query.text("until")];
  const [sinceNano, untilNano] = [unixNanos("since", since), unixNanos("until", until)];
  if (sinceNano !== undefined && untilNano !== undefined && untilNano < sinceNano) {
    throw new TsdError("invalid_argument", `\`since\` time (${since}) cannot be after \`until\` time (${until})`);
  }
  // Clients before API 1.46 don't get `create` events of images.
  const hasImageCreate = atLeast(version, "1.46");
  const matches = (event: EngineEvent) =>
    (hasImageCreate || event.type !== "image" || event.action !== "create") && passesEventFilters(event, filters);
  const after = position(request.header(AFTER_HEADER));
  const headers = { "Tsd-Event-Position": positionText(events.position) };
  const found = events.listen({ sinceNano, untilNano, after, matches }, signal);
  if (request.header(POSITIONS_HEADER) === undefined) {
    return { kind: "stream", contentType: "application/json", body: lines(found, eventText), endless: true };
  }
  const text = (event: EngineEvent) => `${event.sequence} ${eventText(event)}`;
  return { kind: "stream", contentType: POSITIONS_TYPE, headers, body: lines(found, text), endless: true };
}

async function* lines(
  events: AsyncIterable<EngineEvent>,
  text: (event: EngineEvent) => string,
): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder();
  for await (const event of events) yield encoder.encode(`${text(event)}\n`);
}

const positionText = ({ sequence, timeNano }: EventPosition): string => `${sequence}.${timeNano}`;

/** @throws {TsdError} invalid_argument */
function position(text: string | undefined): EventPosition | undefined {
  if (text === undefined) return undefined;
  const [, sequence, timeNano] = /^(\d{1,15})\.(\d{1,20})$/.exec(text) ?? [];
  if (sequence === undefined || timeNano === undefined) {
    throw new TsdError("invalid_argument", `invalid ${AFTER_HEADER}: ${JSON.stringify(text)} is no position`);
  }
  return { sequence: Number(sequence), timeNano: BigInt(timeNano) };
}

function unixNanos(name: string, text: string | undefined): bigint | undefined {
  if (text === undefined) return undefined;
  const nanos = parseNanos(text);
  if (nanos !== undefined) return nanos;
  throw new TsdError("invalid_argument", `invalid value for '${name}': ${JSON.stringify(text)} is no Unix time`);
}
