import { printableLine } from "./printable.ts";

const PADDING = 3;
const MIN_COLUMN_WIDTH = 10;

/**
 * Renders rows as aligned columns, as the docker CLI does: padding of three, columns at least ten wide with it, and no
 * padding after the last cell of a row. As in Go's text/tabwriter, a column is a block of consecutive rows that have a cell
 * there. Every row ends with a newline.
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

/** Pads the cells of a column to the width of the widest one plus {@link PADDING}. */
function padColumn(rows: string[][], column: number, from: number, to: number, minWidth: number): void {
  const cells = rows.slice(from, to).map((row) => width(row[column]) + PADDING);
  const columnWidth = Math.max(minWidth, ...cells);
  for (let row = from; row < to; row++) rows[row][column] += " ".repeat(columnWidth - width(rows[row][column]));
}

/** Returns the width in code points, as Go's text/tabwriter counts it. */
const width = (cell: string): number => [...cell].length;
