/**
 * @module
 * `GET /events`.
 */
import type { EngineEvent } from "../../engine/events/event.ts";
import { TsdError } from "../../errors.ts";
import type { Reply } from "../http/reply.ts";
import type { ApiRequest, Route } from "../http/route.ts";
import { atLeast } from "../http/version.ts";
import type { Services } from "../services.ts";
import { EVENT_FILTER_KEYS, passesEventFilters } from "../views/event_filters.ts";
import { eventText, parseNanos } from "../views/event_view.ts";

export function eventRoutes(services: Pick<Services, "events">): Route[] {
  return [{ method: "GET", path: "/events", since: "1.24", handler: (request) => listen(services, request) }];
}

/** Subscribes before the head is sent, so that a client that has received the head misses no event. */
function listen({ events }: Pick<Services, "events">, { query, version, signal }: ApiRequest): Reply {
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
  const found = events.listen({ sinceNano, untilNano, matches }, signal);
  return { kind: "stream", contentType: "application/json", body: lines(found), endless: true };
}

async function* lines(events: AsyncIterable<EngineEvent>): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder();
  for await (const event of events) yield encoder.encode(`${eventText(event)}\n`);
}

function unixNanos(name: string, text: string | undefined): bigint | undefined {
  if (text === undefined) return undefined;
  const nanos = parseNanos(text);
  if (nanos !== undefined) return nanos;
  throw new TsdError("invalid_argument", `invalid value for '${name}': ${JSON.stringify(text)} is no Unix time`);
}
