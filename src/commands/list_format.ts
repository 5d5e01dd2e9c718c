import { renderTable, UsageError } from "../cli/mod.ts";
import type { ListFilters } from "../client/filters.ts";

/** How a listing is shown. */
export type ListFormat = "table" | "json";

/** One field of a listing's rows: its name in JSON and the head of its column. */
export interface Column<Field extends string> {
  readonly field: Field;
  readonly head: string;
}

/** @throws {UsageError} for Go templates */
export function listFormat(text: string | undefined): ListFormat {
  if (text === undefined || text === "" || text === "table") return "table";
  if (text === "json") return "json";
  throw new UsageError(
    `Cannot use --format ${JSON.stringify(text)}: give table or json; Go templates are not supported`,
  );
}

/** Rows as a table of the chosen columns, or each with all its fields as a line of JSON. */
export function renderList<Field extends string>(
  format: ListFormat,
  columns: readonly Column<Field>[],
  rows: readonly Readonly<Record<Field, string>>[],
): string {
  if (format === "json") return rows.map((row) => JSON.stringify(row) + "\n").join("");
  return renderTable([columns.map(({ head }) => head), ...rows.map((row) => columns.map(({ field }) => row[field]))]);
}

/** `--filter key=value` by key. @throws {UsageError} */
export function parseFilters(words: readonly string[]): ListFilters {
  const filters: Record<string, string[]> = {};
  for (const word of words.filter((text) => text !== "")) {
    const equals = word.indexOf("=");
    if (equals < 0) {
      const why = "bad format of filter (expected name=value)";
      throw new UsageError(`invalid argument "${word}" for "-f, --filter" flag: ${why}`);
    }
    const key = word.slice(0, equals).trim().toLowerCase();
    (filters[key] ??= []).push(word.slice(equals + 1).trim());
  }
  return filters;
}

/** `2025-06-30 12:00:00 +0000 UTC`, as Go prints a time. */
export const goTime = (unixSeconds: number): string =>
  new Date(unixSeconds * 1000).toISOString().replace("T", " ").replace(/\.\d+Z$/, " +0000 UTC");

/** An id's first twelve hexadecimal digits. */
export const shortId = (id: string): string => id.replace(/^sha256:/, "").slice(0, 12);
