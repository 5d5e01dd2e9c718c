/**
 * @module
 * An event in the shape of the Engine API.
 */
import type { EngineEvent } from "../../engine/events/event.ts";
import type { EventMessage } from "../../api_types/mod.ts";

const NANOS_PER_SECOND = 1_000_000_000n;

/** One line of `GET /events`, without its line break. `timeNano` is exact, so it is written by hand. */
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

/** By name, as Go writes them. */
function sorted(attributes: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(attributes).sort(([a], [b]) => a < b ? -1 : 1));
}

/** What clients before API 1.22 read, and some still do; of containers and images only. */
function legacyFields(
  type: string,
  action: string,
  actorId: string,
  { image }: Readonly<Record<string, string>>,
): Pick<EventMessage, "status" | "id" | "from"> {
  // What concerns none in particular (prune) has no id.
  const legacy = { status: action, ...(actorId ? { id: actorId } : {}) };
  if (type === "container") return { ...legacy, ...(image ? { from: image } : {}) };
  return type === "image" ? legacy : {};
}

/** Seconds since 1970 with up to nine decimals, as nanoseconds; undefined when it is none. */
export function parseNanos(text: string): bigint | undefined {
  const match = /^(\d{1,11})(?:\.(\d{1,9}))?$/.exec(text);
  if (match === null) return undefined;
  return BigInt(match[1]) * NANOS_PER_SECOND + BigInt((match[2] ?? "").padEnd(9, "0"));
}
