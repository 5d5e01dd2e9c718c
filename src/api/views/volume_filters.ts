/** Filters of `GET /volumes`: all labels, and any value of each other key. */
import type { VolumeRecord } from "../../store/volume_records.ts";
import type { Filters } from "../http/query.ts";
import { hasLabel } from "./container_filters.ts";
import { truthOf } from "./image_filters.ts";

export const VOLUME_FILTER_KEYS = ["dangling", "driver", "label", "name"];

/**
 * Returns a predicate for volumes.
 * @param isUsed whether a container refers to the volume
 * @throws {TsdError} invalid_argument
 */
export function volumeFilter(
  filters: Filters,
  isUsed: (volume: VolumeRecord) => boolean,
): (volume: VolumeRecord) => boolean {
  const dangling = truthOf(filters, "dangling");
  const labels = filters.get("label") ?? [];
  const drivers = filters.get("driver") ?? [];
  const names = filters.get("name") ?? [];
  return (volume) => {
    if (dangling !== undefined && isUsed(volume) === dangling) return false;
    if (drivers.length > 0 && !drivers.includes("local")) return false;
    if (!labels.every((label) => hasLabel(volume.labels ?? {}, label))) return false;
    return names.length === 0 || names.some((name) => matches(volume.name, name));
  };
}

/**
 * Matches the whole name, or a regular expression anywhere in it. Like in Docker, an invalid expression matches the
 * equal name only.
 */
function matches(name: string, requested: string): boolean {
  try {
    return name === requested || new RegExp(requested).test(name);
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return false;
    throw thrown;
  }
}
