/** Formats results as text for a terminal, as a Markdown table and as JSON. */
import { type Cell, type Judgement, ratioOf } from "./aims.ts";
import type { MachineInfo } from "./machine.ts";
import type { Series, Unit } from "./rounds.ts";
import { HELLO } from "./scenarios.ts";
import { type Summary, summaryOf } from "./statistics.ts";

const COLUMNS = ["", "turns", "median", "min", "max", "to docker"];
const BASELINE = "docker";

/** Formats the machine's description as two lines. */
export function machineLines(info: MachineInfo): string[] {
  const { cores, processor, memoryGb, system, kernel, cgroups, filesystem, deno, runc } = info;
  return [
    `${cores} cores (${processor}), ${memoryGb} GB memory, ${system}, kernel ${kernel}, cgroup ${cgroups}, ${filesystem}`,
    `Deno ${deno}, runc ${runc}`,
  ];
}

/** Formats one block for each row, with one line for each peer. */
export function tableLines(series: readonly Series[]): string[] {
  const lines: string[][] = [COLUMNS];
  for (const row of rowsOf(series)) {
    lines.push([row]);
    for (const each of series.filter((other) => other.row === row)) lines.push(cellsOf(each, series));
  }
  return aligned(lines);
}

const rowsOf = (series: readonly Series[]): Set<string> => new Set(series.map(({ row }) => row));

function cellsOf({ row, peer, unit, samples }: Series, series: readonly Series[]): string[] {
  const { count, median, min, max } = summaryOf(samples);
  const isEngine = peer !== BASELINE && peer !== HELLO;
  const ratio = isEngine ? ratioOf(series, { row, peer }, { row, peer: BASELINE }) : undefined;
  const figures = [median, min, max].map((value) => figure(value, unit));
  return [`  ${peer}`, String(count), ...figures, ratio?.toFixed(2) ?? ""];
}

/** Formats the medians as a Markdown table, one row a line, with tsd's ratio to docker and the verdicts on the aims. */
export function markdownLines(series: readonly Series[], judgements: readonly Judgement[]): string[] {
  const peers = [...new Set(series.map(({ peer }) => peer))];
  const medianOf = (row: string, peer: string) => {
    const found = series.find((each) => each.row === row && each.peer === peer);
    return found === undefined ? "" : figure(summaryOf(found.samples).median, found.unit);
  };
  const lines = [...rowsOf(series)].map((row) => [
    row,
    ...peers.map((peer) => medianOf(row, peer)),
    ratioOf(series, { row, peer: "tsd" }, { row, peer: BASELINE })?.toFixed(2) ?? "",
    judgements.filter(({ of }) => of.row === row).map(aimCell).join(", "),
  ]);
  const heading = ["", ...peers, `tsd / ${BASELINE}`, "aim"];
  const rule = heading.map((_, column) => column === 0 || column === heading.length - 1 ? "---" : "---:");
  return [heading, rule, ...lines].map((cells) => `| ${cells.join(" | ")} |`);
}

/** Formats an aim and its verdict, with the value if no column of the table has it. */
function aimCell({ of, against, bound, limit, value, verdict }: Judgement): string {
  const isOwn = of.peer === "tsd";
  const target = `${isOwn ? "" : `${of.peer} `}${sign(bound)} ${limit}`;
  const shown = value === undefined ? "" : ` (${value.toFixed(2)})`;
  if (against?.peer === BASELINE || against === undefined) return `${target}: ${verdict}${isOwn ? "" : shown}`;
  return `${target} × ${against.peer}: ${verdict}${shown}`;
}

const sign = (bound: Judgement["bound"]): string => bound === "at most" ? "≤" : "≥";

/** Formats a value: "12.3 ms", "4.56 s", "123.4 MB", "40.1 MB/s". */
export function figure(value: number, unit: Unit): string {
  return unit === "ms" && value >= 1000 ? `${(value / 1000).toFixed(2)} s` : `${value.toFixed(1)} ${unit}`;
}

/** Aligns the first column left and the others right; a line with one cell is a heading. */
function aligned(lines: readonly string[][]): string[] {
  const wide = lines.filter((line) => line.length > 1);
  const widths = COLUMNS.map((_, column) => Math.max(...wide.map((line) => (line[column] ?? "").length)));
  const cell = (text: string, column: number) =>
    column === 0 ? text.padEnd(widths[0]!) : text.padStart(widths[column]!);
  return lines.map((line) => line.length === 1 ? line[0]! : line.map(cell).join("  ").trimEnd());
}

/** Formats a judgement as one line. */
export function judgementLine({ of, against, bound, limit, value, verdict }: Judgement): string {
  const shown = value === undefined ? "" : ` ${value.toFixed(2)}`;
  const divisor = against === undefined ? "" : ` / ${against.peer}`;
  return `${verdict.padEnd("not measured".length)}  ${name(of)}${divisor}${shown}, aim ${sign(bound)} ${limit}`;
}

function name({ row, peer }: Cell): string {
  return `${peer} ${row}`;
}

/** The results of a benchmark; the JSON file has these fields. */
export interface Results {
  /** ISO 8601. */
  readonly date: string;
  readonly machine: MachineInfo;
  /** One-minute load averages at the start and the end. */
  readonly load: readonly number[];
  readonly peers: readonly string[];
  /** Peers that were omitted, with the reasons. */
  readonly missing: readonly string[];
  readonly series: readonly Series[];
  readonly aims: readonly Judgement[];
}

/** Formats the machine, the peers and all figures as a code block for Markdown. */
export function measuredLines(
  { machine, load, peers, missing, series }: Omit<Results, "date" | "aims">,
): string[] {
  return [
    "```",
    ...machineLines(machine),
    ...peers,
    ...missing,
    `load ${load.map((each) => each.toFixed(1)).join(" before, ")} after`,
    "",
    ...tableLines(series),
    "```",
  ];
}

/** Formats the results as JSON; each series also has its summary. */
export function resultsJson(results: Results): string {
  const series = results.series.map((each): Series & Summary => ({ ...each, ...summaryOf(each.samples) }));
  return JSON.stringify({ ...results, series }, null, 2) + "\n";
}
