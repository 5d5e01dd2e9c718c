/** Aims: limits for ratios of medians measured in the same rounds, or for medians themselves. */
import { summaryOf } from "./statistics.ts";
import type { Series } from "./rounds.ts";

/** A cell of the results table: the median of `row` for `peer`. */
export interface Cell {
  readonly row: string;
  readonly peer: string;
}

export interface Aim {
  readonly of: Cell;
  /** The divisor; without it the limit is for the median itself, in its row's unit. */
  readonly against?: Cell;
  readonly bound: "at most" | "at least";
  readonly limit: number;
}

export interface Judgement extends Aim {
  /** The ratio or median; undefined if it was not measured. */
  readonly value?: number;
  readonly verdict: "pass" | "miss" | "not measured";
}

/** Compares the aims with the measured series. */
export function judge(aims: readonly Aim[], series: readonly Series[]): Judgement[] {
  return aims.map((aim) => {
    const value = aim.against === undefined ? medianOf(series, aim.of) : ratioOf(series, aim.of, aim.against);
    if (value === undefined) return { ...aim, verdict: "not measured" };
    const isMet = aim.bound === "at most" ? value <= aim.limit : value >= aim.limit;
    return { ...aim, value, verdict: isMet ? "pass" : "miss" };
  });
}

/** Returns the ratio of two medians, or undefined if one of them was not measured. */
export function ratioOf(series: readonly Series[], of: Cell, against: Cell): number | undefined {
  const [dividend, divisor] = [of, against].map((cell) => medianOf(series, cell));
  return dividend === undefined || divisor === undefined ? undefined : dividend / divisor;
}

/** Returns the aim that tsd's median of `row` is at most (or at least) `limit` times docker's. */
export function toDocker(row: string, limit: number, bound: Aim["bound"] = "at most"): Aim {
  return { of: { row, peer: "tsd" }, against: { row, peer: "docker" }, bound, limit };
}

function medianOf(series: readonly Series[], { row, peer }: Cell): number | undefined {
  const found = series.find((each) => each.row === row && each.peer === peer);
  return found && summaryOf(found.samples).median;
}
