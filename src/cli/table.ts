import { printableLine } from "./printable.ts";

const PADDING = 3;
const MIN_COLUMN_WIDTH = 10;

/**
 * Lines up rows as Docker's listings do: columns at least ten wide with their gap of three, the last one as it is. Every
 * row ends in a newline.
 */
export function renderTable(cells: readonly (readonly string[])[], minColumnWidth = MIN_COLUMN_WIDTH): string {
  const rows = cells.map((row) => row.map(printableLine));
  const widths: number[] = [];
  for (const row of rows) {
    row.slice(0, -1).forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? minColumnWidth, width(cell) + PADDING);
    });
  }
  return rows.map((row) =>
    row.map((cell, column) => column === row.length - 1 ? cell : cell + " ".repeat(widths[column] - width(cell))).join(
      "",
    ) + "\n"
  ).join("");
}

/** In code points, as Go's tabwriter counts. */
const width = (cell: string): number => [...cell].length;
