import { renderTable, StatusError, UsageError } from "../../cli/mod.ts";
import type { ListFilters } from "../../client/filters.ts";

/** A value of a listing's row; null is one that there is not. */
export type Cell = string | null;

/** A row by field, in the order of Docker's JSON. */
export type ListRow<Field extends string> = Readonly<Record<Field, Cell>>;

/** One kind of listing. */
export interface ListView<Field extends string> {
  /** What messages call a row. */
  readonly typeName: string;
  /** The heads of all columns that there are. */
  readonly titles: Readonly<Record<Field, string>>;
  /** The columns of the usual table. */
  readonly columns: readonly Field[];
  /**
   * What comes before the complaint about a template; `template parsing error` if not given. Where it is, a template is
   * tried on a row without values first.
   */
  readonly failures?: { readonly parse: string; readonly execute: string };
}

/** Fields of a row that take an argument: `{{.Label "key"}}`. */
export type RowMethods = Readonly<Record<string, (argument: string) => string>>;

/**
 * Rows in a `--format`: `table` (or nothing), `json`, `table TEMPLATE` or a template. `methods` has those of each row.
 * @throws {StatusError} for a template that doesn't fit
 */
export async function renderList<Field extends string>(
  view: ListView<Field>,
  format: string | undefined,
  rows: readonly ListRow<Field>[],
  methods: readonly RowMethods[] = [],
): Promise<string> {
  if (isUsualTable(format)) return usualTable(view, rows);
  if (format === "json") return rows.map((row) => `${escapedJson(row)}\n`).join("");
  const { renderListTemplate } = await import("./list_template.ts");
  return renderListTemplate(view, format, rows, methods);
}

/** What help says of a listing's `--format`. */
export const FORMAT_HELP = "Format output: 'table' (the default), 'table TEMPLATE', 'json' or a Go template";

/** What help says of the `--format` of commands that list nothing. */
export const OBJECT_FORMAT_HELP = "Format output: 'json' or a Go template";

/** Whether a format asks for the table that comes without `--format`. */
export const isUsualTable = (format: string | undefined): format is undefined | "" | "table" =>
  format === undefined || format === "" || format === "table";

function usualTable<Field extends string>({ columns, titles }: ListView<Field>, rows: readonly ListRow<Field>[]) {
  return renderTable([
    columns.map((field) => titles[field]),
    ...rows.map((row) => columns.map((field) => row[field] ?? "<nil>")),
  ]);
}

/** JSON without characters that mean something in HTML, as Go writes a listing's rows. */
export const escapedJson = (value: unknown): string =>
  JSON.stringify(value).replace(
    /[<>&\u2028\u2029]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );

/** A template that can't be read or doesn't fit, in Docker's words. */
export const templateFailure = (message: string, exitCode = 1): StatusError => new StatusError(message, exitCode);

/** `--filter key=value` by key; `flag` is how messages call it. @throws {UsageError} */
export function parseFilters(words: readonly string[], flag = "-f, --filter"): ListFilters {
  const filters: Record<string, string[]> = {};
  for (const word of words.filter((text) => text !== "")) {
    const equals = word.indexOf("=");
    if (equals < 0) {
      const why = "bad format of filter (expected name=value)";
      throw new UsageError(`invalid argument "${word}" for "${flag}" flag: ${why}`);
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
