import { renderTable, StatusError, UsageError } from "../../cli/mod.ts";
import type { ListFilters } from "../../client/filters.ts";

/** A value of a listing's row; null if there is none. */
export type Cell = string | null;

/** A row by field, with the fields in the order of Docker's JSON. */
export type ListRow<Field extends string> = Readonly<Record<Field, Cell>>;

/** A kind of listing. */
export interface ListView<Field extends string> {
  /** The name of a row's Go type in error messages. */
  readonly typeName: string;
  /** The titles of all available columns. */
  readonly titles: Readonly<Record<Field, string>>;
  /** The columns of the default table. */
  readonly columns: readonly Field[];
  /**
   * The prefixes of errors about a template. Default: `template parsing error`. If set, a template is first tried on a row
   * without values.
   */
  readonly failures?: { readonly parse: string; readonly execute: string };
}

/** Methods of a row, which take an argument: `{{.Label "key"}}`. */
export type RowMethods = Readonly<Record<string, (argument: string) => string>>;

/**
 * Renders rows in a `--format`: `table` (or none), `json`, `table TEMPLATE` or a template.
 * @param methods the methods of each row
 * @throws {StatusError} for an invalid template, or one that doesn't fit the rows
 */
export async function renderList<Field extends string>(
  view: ListView<Field>,
  format: string | undefined,
  rows: readonly ListRow<Field>[],
  methods: readonly RowMethods[] = [],
): Promise<string> {
  if (isUsualTable(format)) return defaultTable(view, rows);
  if (format === "json") return rows.map((row) => `${escapedJson(row)}\n`).join("");
  const { renderListTemplate } = await import("./list_template.ts");
  return renderListTemplate(view, format, rows, methods);
}

/** The help of a listing's `--format`. */
export const FORMAT_HELP = "Format output: 'table' (the default), 'table TEMPLATE', 'json' or a Go template";

/** The help of the `--format` of commands that are not listings. */
export const OBJECT_FORMAT_HELP = "Format output: 'json' or a Go template";

/** Returns whether a format means the default table. */
export const isUsualTable = (format: string | undefined): format is undefined | "" | "table" =>
  format === undefined || format === "" || format === "table";

function defaultTable<Field extends string>({ columns, titles }: ListView<Field>, rows: readonly ListRow<Field>[]) {
  return renderTable([
    columns.map((field) => titles[field]),
    ...rows.map((row) => columns.map((field) => row[field] ?? "<nil>")),
  ]);
}

/** Encodes JSON with the characters that are special in HTML escaped, as Go's encoding/json does for a listing's rows. */
export const escapedJson = (value: unknown): string =>
  JSON.stringify(value).replace(
    /[<>&\u2028\u2029]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );

/** Creates the error for a template that can't be parsed or executed. */
export const templateFailure = (message: string, exitCode = 1): StatusError => new StatusError(message, exitCode);

/** Groups the values of `--filter key=value` by key. `flag` is the flag's name in error messages. @throws {UsageError} */
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

/** Formats a time as Go does: `2025-06-30 12:00:00 +0000 UTC`. */
export const goTime = (unixSeconds: number): string =>
  new Date(unixSeconds * 1000).toISOString().replace("T", " ").replace(/\.\d+Z$/, " +0000 UTC");

/** Returns an id's first twelve hexadecimal digits. */
export const shortId = (id: string): string => id.replace(/^sha256:/, "").slice(0, 12);
