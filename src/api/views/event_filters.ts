/**
 * @module
 * Filters of `GET /events`: values of one key are alternatives (but all labels must match), all keys must match.
 */
import type { EngineEvent } from "../../engine/events/event.ts";
import { isTsdError } from "../../errors.ts";
import { familiarName, parseReference } from "../../image/reference.ts";
import type { Filters } from "../http/query.ts";
import { hasLabel } from "./container_filters.ts";

type Test = (event: EngineEvent, value: string) => boolean;

/** Types of objects that are filtered by a prefix of their id or name. */
const NAMED = ["builder", "config", "container", "daemon", "network", "node", "plugin", "secret", "service", "volume"];

const TESTS: Readonly<Record<string, Test>> = {
  ...Object.fromEntries(NAMED.map((type): [string, Test] => [type, (event, value) => isNamed(event, type, value)])),
  type: ({ type }, value) => type === value,
  scope: (_, value) => value === "local",
  label: ({ attributes }, value) => hasLabel(attributes, value),
  event: ({ action }, value) => action === value || (hasDetail(value) && action.startsWith(value)),
  image: ({ type, actorId, attributes }, value) => {
    const name = (type === "image" ? attributes.name : attributes.image) ?? "";
    return [actorId, name].some((each) => each === value || withoutTag(each) === value);
  },
};

/** The supported keys. */
export const EVENT_FILTER_KEYS = Object.keys(TESTS);

/** Whether an event matches all filters. */
export function passesEventFilters(event: EngineEvent, filters: Filters): boolean {
  return [...filters].every(([key, values]) => {
    const holds = (value: string) => TESTS[key](event, value);
    return values.length === 0 || (key === "label" ? values.every(holds) : values.some(holds));
  });
}

function isNamed({ type, actorId, attributes }: EngineEvent, requested: string, value: string): boolean {
  return type === requested && (actorId.startsWith(value) || (attributes.name ?? "").startsWith(value));
}

/** Whether the action is followed by details: `exec_start: sh -c true`. */
const hasDetail = (action: string) => /^(?:health_status|exec_create|exec_start)$/.test(action);

/** `alpine:3` → `alpine`; anything but a reference is returned as it is. */
function withoutTag(image: string): string {
  try {
    return familiarName(parseReference(image));
  } catch (thrown) {
    if (isTsdError(thrown, "invalid_reference")) return image;
    throw thrown;
  }
}
