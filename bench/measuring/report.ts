/** The results as text for a terminal, and as JSON. */
import { type Cell, type Judgement, ratioOf } from "./aims.ts";
import type { MachineFacts } from "./machine.ts";
import type { Series } from "./rounds.ts";
import { HELLO } from "./scenarios.ts";
import { type Summary, summaryOf } from "./statistics.ts";

const COLUMNS = ["", "runs", "median", "min", "max", "to docker"];
const BASELINE = "docker";

export function machineLines(facts: MachineFacts): string[] {
  const { cores, processor, memoryGb, system, kernel, cgroups, filesystem, deno, runc } = facts;
  return [
    `${cores} cores (${processor}), ${memoryGb} GB memory, ${system}, kernel ${kernel}, cgroup ${cgroups}, ${filesystem}`,
    `Deno ${deno}, runc ${runc}`,
  ];
}

/** One block for each row, one line for each contender in it. */
export function tableLines(series: readonly Series[]): string[] {
  const lines: string[][] = [COLUMNS];
  for (const row of new Set(series.map((each) => each.row))) {
    lines.push([row]);
    for (const each of series.filter((other) => other.row === row)) lines.push(cellsOf(each, series));
  }
  return aligned(lines);
}

function cellsOf({ row, contender, samplesMs }: Series, series: readonly Series[]): string[] {
  const { count, medianMs, minMs, maxMs } = summaryOf(samplesMs);
  const isEngine = contender !== BASELINE && contender !== HELLO;
  const ratio = isEngine ? ratioOf(series, { row, contender }, { row, contender: BASELINE }) : undefined;
  return [`  ${contender}`, String(count), ...[medianMs, minMs, maxMs].map(duration), ratio?.toFixed(2) ?? ""];
}

/** "12.3 ms", "4.56 s". */
export function duration(ms: number): string {
  return ms < 1000 ? `${ms.toFixed(1)} ms` : `${(ms / 1000).toFixed(2)} s`;
}

/** The first column to the left, the others to the right. */
function aligned(lines: readonly string[][]): string[] {
  const wide = lines.filter((line) => line.length > 1);
  const widths = COLUMNS.map((_, column) => Math.max(...wide.map((line) => (line[column] ?? "").length)));
  const cell = (text: string, column: number) =>
    column === 0 ? text.padEnd(widths[0]!) : text.padStart(widths[column]!);
  return lines.map((line) => line.length === 1 ? line[0]! : line.map(cell).join("  ").trimEnd());
}

export function judgementLine({ of, against, atMost, ratio, verdict }: Judgement): string {
  const shown = ratio === undefined ? "" : ` ${ratio.toFixed(2)}`;
  return `${verdict.padEnd("not measured".length)}  ${name(of)} / ${against.contender}${shown}, aim ≤ ${atMost}`;
}

function name({ row, contender }: Cell): string {
  return `${contender} ${row}`;
}

/** Everything that was measured, for programs. */
export interface Results {
  /** ISO 8601. */
  readonly date: string;
  readonly machine: MachineFacts;
  /** Load averages of a minute at the beginning and the end. */
  readonly load: readonly number[];
  readonly contenders: readonly string[];
  /** Who did not take part, and why. */
  readonly missing: readonly string[];
  readonly series: readonly Series[];
  readonly aims: readonly Judgement[];
}

export function resultsJson(results: Results): string {
  const series = results.series.map((each): Series & Summary => ({ ...each, ...summaryOf(each.samplesMs) }));
  return JSON.stringify({ ...results, series }, null, 2) + "\n";
}
