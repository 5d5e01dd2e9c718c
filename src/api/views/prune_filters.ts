/**
 * @module
 * `filters` of the prune routes: all labels must be there (`label`), not all of those may be there (`label!`), and what is
 * younger than `until` stays.
 */
import type { Filtered } from "../../engine/prune/prune_plan.ts";
import { TsdError } from "../../errors.ts";
import type { Filters } from "../http/query.ts";
import { hasLabel } from "./container_filters.ts";
import { timestampMs } from "./timestamp.ts";

/** What containers and networks take; images take `dangling` too, volumes `all` but no time. */
export const PRUNE_FILTER_KEYS = ["label", "label!", "until"];

/** Whether a thing goes. @throws {TsdError} invalid_argument */
export function pruneFilter(filters: Filters, nowMs = Date.now()): (thing: Filtered) => boolean {
  const [requested, unwanted] = [filters.get("label") ?? [], filters.get("label!") ?? []];
  const until = untilOf(filters, nowMs);
  return ({ createdMs, labels }) => {
    if (until !== undefined && !(createdMs !== undefined && createdMs <= until)) return false;
    if (!requested.every((value) => hasLabel(labels, value))) return false;
    return unwanted.length === 0 || !unwanted.every((value) => hasLabel(labels, value));
  };
}

function untilOf(filters: Filters, nowMs: number): number | undefined {
  const values = filters.get("until");
  if (values === undefined || values.length === 0) return undefined;
  if (values.length > 1) throw new TsdError("invalid_argument", "more than one until filter specified");
  return timestampMs(values[0], nowMs);
}
