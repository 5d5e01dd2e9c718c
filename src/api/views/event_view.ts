/**
 * @module
 * Converts events to the types of the Engine API.
 */
import type { EngineEvent } from "../../engine/events/event.ts";
import type { EventMessage } from "../../api_types/mod.ts";

const NANOS_PER_SECOND = 1_000_000_000n;

/**
 * Formats an event as a line of `GET /events`, without the line break. `timeNano` exceeds a double's precision, so it
 * is appended as text.
 */
export function eventText({ type, action, actorId, attributes, timeNano }: EngineEvent): string {
  const message = {
    ...legacyFields(type, action, actorId, attributes),
    Type: type as EventMessage["Type"],
    Action: action,
    Actor: { ID: actorId, Attributes: sorted(attributes) },
    scope: "local",
    time: Number(timeNano / NANOS_PER_SECOND),
  } as const satisfies Omit<EventMessage, "timeNano">;
  return `${JSON.stringify(message).slice(0, -1)},"timeNano":${timeNano}}`;
}

/** Sorts by name, as Go's encoder does. */
function sorted(attributes: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(attributes).sort(([a], [b]) => a < b ? -1 : 1));
}

/** Fields of clients before API 1.22, some of which still read them; for containers and images only. */
function legacyFields(
  type: string,
  action: string,
  actorId: string,
  { image }: Readonly<Record<string, string>>,
): Pick<EventMessage, "status" | "id" | "from"> {
  // Events that concern no single object (prune) have no id.
  const legacy = { status: action, ...(actorId ? { id: actorId } : {}) };
  if (type === "container") return { ...legacy, ...(image ? { from: image } : {}) };
  return type === "image" ? legacy : {};
}

/** Parses seconds since 1970 with up to nine decimals to nanoseconds; undefined if invalid. */
export function parseNanos(text: string): bigint | undefined {
  const match = /^(\d{1,11})(?:\.(\d{1,9}))?$/.exec(text);
  if (match === null) return undefined;
  return BigInt(match[1]) * NANOS_PER_SECOND + BigInt((match[2] ?? "").padEnd(9, "0"));
}
