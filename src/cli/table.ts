import { printableLine } from "./printable.ts";

const PADDING = 3;
const MIN_COLUMN_WIDTH = 10;

/**
 * Lines up rows as Docker's listings do: columns at least ten wide with their gap of three, the last cell of a row as it
 * is. As in Go's tabwriter a column is as long as the rows one below the other that have it. Every row ends in a newline.
 */
export function renderTable(cells: readonly (readonly string[])[], minColumnWidth = MIN_COLUMN_WIDTH): string {
  const rows = cells.map((row) => row.map(printableLine));
  const padded = rows.map((row) => [...row]);
  const columns = Math.max(0, ...rows.map((row) => row.length - 1));
  for (let column = 0; column < columns; column++) {
    for (let from = 0; from < rows.length; from++) {
      let to = from;
      while (to < rows.length && column < rows[to].length - 1) to++;
      padColumn(padded, column, from, to, minColumnWidth);
      from = Math.max(from, to);
    }
  }
  return padded.map((row) => `${row.join("")}\n`).join("");
}

/** Makes the cells of a column as wide as its widest and the gap. */
function padColumn(rows: string[][], column: number, from: number, to: number, minWidth: number): void {
  const cells = rows.slice(from, to).map((row) => width(row[column]) + PADDING);
  const requested = Math.max(minWidth, ...cells);
  for (let row = from; row < to; row++) rows[row][column] += " ".repeat(requested - width(rows[row][column]));
}

/** In code points, as Go's tabwriter counts. */
const width = (cell: string): number => [...cell].length;
