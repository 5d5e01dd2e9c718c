/** Formats the results of `bench network` as a Markdown document. */
import { markdownLines, measuredLines, type Results } from "../measuring/report.ts";

export function networkMarkdown(results: Results): string {
  const { date, series, aims } = results;
  return [
    "# Networks",
    "",
    `${date.slice(0, 10)}, \`./dev bench network\`; see [README.md](../README.md#network) for the method and the aims.`,
    "",
    ...markdownLines(series, aims),
    "",
    "Medians. More is better for MB/s, less for ms.",
    "",
    ...measuredLines(results),
    "",
  ].join("\n");
}
