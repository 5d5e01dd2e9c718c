import type { Terminal } from "../../cli/mod.ts";
import type { ListFilters } from "../../client/filters.ts";
import { configuredField } from "../formatter/configured_format.ts";
import { parseFilters } from "../formatter/list_format.ts";

/** Filters that contradict each other. */
const OPPOSITES: Readonly<Record<string, string>> = { "label": "label!", "label!": "label" };

/**
 * Returns the filters of `--filter`, and those of `pruneFilters` in Docker's `config.json` that don't contradict them.
 * @throws {UsageError}
 */
export async function pruneFilters(terminal: Terminal, words: readonly string[]): Promise<ListFilters> {
  const given = parseFilters(words, "--filter");
  const configured = await configuredField(terminal, "pruneFilters", (config) => config.pruneFilters) ?? [];
  const merged: Record<string, readonly string[]> = { ...given };
  for (const word of configured) {
    const [, key, value] = /^([^=]*)=(.*)$/s.exec(word) ?? [];
    if (key === undefined || given[OPPOSITES[key]]?.includes(value)) continue;
    merged[key] = [...new Set([...merged[key] ?? [], value])];
  }
  return merged;
}
