/**
 * @module
 * Filters of the prune routes: objects must have all labels of `label`, must not have all labels of `label!`, and must
 * be older than `until`.
 */
import type { Filtered } from "../../engine/prune/prune_plan.ts";
import { TsdError } from "../../errors.ts";
import type { Filters } from "../http/query.ts";
import { hasLabel } from "./container_filters.ts";
import { timestampMs } from "./timestamp.ts";

/** Keys for containers and networks; images also have `dangling`, volumes have `all` but no time. */
export const PRUNE_FILTER_KEYS = ["label", "label!", "until"];

/**
 * Returns a predicate for the objects to prune.
 * @throws {TsdError} invalid_argument
 */
export function pruneFilter(filters: Filters, nowMs = Date.now()): (thing: Filtered) => boolean {
  const [requested, excluded] = [filters.get("label") ?? [], filters.get("label!") ?? []];
  const until = untilOf(filters, nowMs);
  return ({ createdMs, labels }) => {
    if (until !== undefined && !(createdMs !== undefined && createdMs <= until)) return false;
    if (!requested.every((value) => hasLabel(labels, value))) return false;
    return excluded.length === 0 || !excluded.every((value) => hasLabel(labels, value));
  };
}

function untilOf(filters: Filters, nowMs: number): number | undefined {
  const values = filters.get("until");
  if (values === undefined || values.length === 0) return undefined;
  if (values.length > 1) throw new TsdError("invalid_argument", "more than one until filter specified");
  return timestampMs(values[0], nowMs);
}
