/**
 * @module
 * `GET /events?filters=`: values of one key are alternatives (but all labels must be there), keys must all hold.
 */
import type { EngineEvent } from "../../engine/events/event.ts";
import { isTsdError } from "../../errors.ts";
import { familiarName, parseReference } from "../../image/reference.ts";
import type { Filters } from "../http/query.ts";
import { hasLabel } from "./container_filters.ts";

type Test = (event: EngineEvent, value: string) => boolean;

/** Things that are named by id or name, or by the beginning of either. */
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

/** The keys that are understood. */
export const EVENT_FILTER_KEYS = Object.keys(TESTS);

/** Whether an event passes. */
export function passesEventFilters(event: EngineEvent, filters: Filters): boolean {
  return [...filters].every(([key, values]) => {
    const holds = (value: string) => TESTS[key](event, value);
    return values.length === 0 || (key === "label" ? values.every(holds) : values.some(holds));
  });
}

function isNamed({ type, actorId, attributes }: EngineEvent, requested: string, value: string): boolean {
  return type === requested && (actorId.startsWith(value) || (attributes.name ?? "").startsWith(value));
}

/** These actions are shown with what they were about: `exec_start: sh -c true`. */
const hasDetail = (action: string) => /^(?:health_status|exec_create|exec_start)$/.test(action);

/** `alpine:3` → `alpine`; what is no reference stays as it is. */
function withoutTag(image: string): string {
  try {
    return familiarName(parseReference(image));
  } catch (thrown) {
    if (isTsdError(thrown, "invalid_reference")) return image;
    throw thrown;
  }
}
