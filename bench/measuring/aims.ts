/** What the project wants of itself, as ratios of medians taken in the same rounds. */
import { summaryOf } from "./statistics.ts";
import type { Series } from "./rounds.ts";

/** The median of `row` for `contender`. */
export interface Cell {
  readonly row: string;
  readonly contender: string;
}

export interface Aim {
  readonly of: Cell;
  readonly against: Cell;
  readonly atMost: number;
}

export interface Judgement extends Aim {
  /** Undefined if one of the two was not measured. */
  readonly ratio?: number;
  readonly verdict: "pass" | "miss" | "not measured";
}

export function judge(aims: readonly Aim[], series: readonly Series[]): Judgement[] {
  return aims.map((aim) => {
    const ratio = ratioOf(series, aim.of, aim.against);
    if (ratio === undefined) return { ...aim, verdict: "not measured" };
    return { ...aim, ratio, verdict: ratio <= aim.atMost ? "pass" : "miss" };
  });
}

/** Median by median, or undefined if one of the two was not measured. */
export function ratioOf(series: readonly Series[], of: Cell, against: Cell): number | undefined {
  const [own, other] = [of, against].map((cell) => medianOf(series, cell));
  return own === undefined || other === undefined ? undefined : own / other;
}

function medianOf(series: readonly Series[], { row, contender }: Cell): number | undefined {
  const found = series.find((each) => each.row === row && each.contender === contender);
  return found && summaryOf(found.samplesMs).medianMs;
}
