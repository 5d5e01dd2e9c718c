/**
 * @module
 * Which lines of a log are wanted. What is decided about the first record of a long line holds for the others.
 */
import type { StreamName } from "../../runtime/logs/json_lines.ts";
import type { LogRecord } from "../../runtime/logs/record_parser.ts";

/** Which lines; times as RFC 3339 with nanoseconds, inclusive. */
export interface LogSelection {
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly since?: string | undefined;
  readonly until?: string | undefined;
  /** The last so many lines; all when left out. */
  readonly tail?: number | undefined;
}

/** Where reading begins. */
export interface FilterStart {
  /** So many lines that are wanted otherwise are passed over. */
  readonly skippedLines: number;
  /** Whether lines whose beginning isn't read are left out. */
  readonly startsInside: boolean;
}

/** Whether a line is wanted, by its first record. Times have equal length and zone: their order is that of their text. */
export function isRequestedLine(
  { stream, time, continues }: LogRecord,
  { stdout, stderr, since, until }: LogSelection,
): boolean {
  if (continues || (stream === "stdout" ? !stdout : !stderr)) return false;
  return (since === undefined || time >= since) && (until === undefined || time <= until);
}

/** Takes all records in order; see the module's comment. */
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

  /** The wanted ones, and whether all that come later are past the end of the span. */
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
