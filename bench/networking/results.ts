/** The report of a run, as Markdown. */
import { machineLines, markdownLines, type Results, tableLines } from "../measuring/report.ts";

export function networkMarkdown({ date, machine, load, contenders, missing, series, aims }: Results): string {
  return [
    "# Networks",
    "",
    `${date.slice(0, 10)}, \`./dev bench network\`; see [README.md](../README.md#network) for the method and the aims.`,
    "",
    ...markdownLines(series, aims),
    "",
    "Medians. More is better for MB/s, less for ms.",
    "",
    "```",
    ...machineLines(machine),
    ...contenders,
    ...missing,
    `load ${load.map((each) => each.toFixed(1)).join(" before, ")} after`,
    "",
    ...tableLines(series),
    "```",
    "",
  ].join("\n");
}
