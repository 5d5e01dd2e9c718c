/** @module Selects lines of a log. The decision about the first record of a long line applies to its other records. */
import type { StreamName } from "../../runtime/logs/json_lines.ts";
import type { LogRecord } from "../../runtime/logs/record_parser.ts";

/** A selection of lines. Times are RFC 3339 with nanoseconds, inclusive. */
export interface LogSelection {
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly since?: string | undefined;
  readonly until?: string | undefined;
  /** Number of last lines. Default: all. */
  readonly tail?: number | undefined;
}

/** Where reading starts. */
export interface FilterStart {
  /** Number of otherwise selected lines to skip. */
  readonly skippedLines: number;
  /** Whether lines whose beginning is not read are omitted. */
  readonly startsInside: boolean;
}

/**
 * Returns whether a line is selected, by its first record. Times have equal length and zone, so they are compared as
 * strings.
 */
export function isRequestedLine(
  { stream, time, continues }: LogRecord,
  { stdout, stderr, since, until }: LogSelection,
): boolean {
  if (continues || (stream === "stdout" ? !stdout : !stderr)) return false;
  return (since === undefined || time >= since) && (until === undefined || time <= until);
}

/** Filters records, which must be passed in the order of the log. */
export class LineFilter {
  readonly #selection: LogSelection;
  readonly #isShown: Record<StreamName, boolean>;
  #skippedLines: number;

  constructor(selection: LogSelection, { skippedLines, startsInside }: FilterStart) {
    this.#selection = selection;
    this.#skippedLines = skippedLines;
    const { stdout, stderr } = selection;
    this.#isShown = { stdout: stdout && !startsInside, stderr: stderr && !startsInside };
  }

  /** Returns the selected records, and whether all later ones are past the end of the span. */
  take(records: readonly LogRecord[]): { requested: readonly LogRecord[]; isPast: boolean } {
    const { until } = this.#selection;
    const past = until === undefined ? -1 : records.findIndex(({ time }) => time > until);
    const inTime = past < 0 ? records : records.slice(0, past);
    return { requested: inTime.filter((record) => this.#isRequested(record)), isPast: past >= 0 };
  }

  #isRequested(record: LogRecord): boolean {
    if (!record.continues) {
      const isRequested = isRequestedLine(record, this.#selection);
      this.#isShown[record.stream] = isRequested && this.#skippedLines-- <= 0;
    }
    return this.#isShown[record.stream];
  }
}
