/** What the project wants of itself: ratios of medians taken in the same rounds, or medians as they are. */
import { summaryOf } from "./statistics.ts";
import type { Series } from "./rounds.ts";

/** The median of `row` for `contender`. */
export interface Cell {
  readonly row: string;
  readonly peer: string;
}

export interface Aim {
  readonly of: Cell;
  /** What it is divided by; without it the aim is for the figure itself, in its row's unit. */
  readonly against?: Cell;
  readonly bound: "at most" | "at least";
  readonly limit: number;
}

export interface Judgement extends Aim {
  /** Ratio or figure; undefined if it was not measured. */
  readonly value?: number;
  readonly verdict: "pass" | "miss" | "not measured";
}

export function judge(aims: readonly Aim[], series: readonly Series[]): Judgement[] {
  return aims.map((aim) => {
    const value = aim.against === undefined ? medianOf(series, aim.of) : ratioOf(series, aim.of, aim.against);
    if (value === undefined) return { ...aim, verdict: "not measured" };
    const isMet = aim.bound === "at most" ? value <= aim.limit : value >= aim.limit;
    return { ...aim, value, verdict: isMet ? "pass" : "miss" };
  });
}

/** Median by median, or undefined if one of the two was not measured. */
export function ratioOf(series: readonly Series[], of: Cell, against: Cell): number | undefined {
  const [own, other] = [of, against].map((cell) => medianOf(series, cell));
  return own === undefined || other === undefined ? undefined : own / other;
}

/** The aim that tsd's row is at most (or at least) `limit` times docker's. */
export function toDocker(row: string, limit: number, bound: Aim["bound"] = "at most"): Aim {
  return { of: { row, peer: "tsd" }, against: { row, peer: "docker" }, bound, limit };
}

function medianOf(series: readonly Series[], { row, peer }: Cell): number | undefined {
  const found = series.find((each) => each.row === row && each.peer === peer);
  return found && summaryOf(found.samples).median;
}
