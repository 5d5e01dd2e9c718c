/** Formats the results of `bench pull` as a Markdown document with a picture. */
import { barChart } from "../measuring/bar_chart.ts";
import { figure, markdownLines, measuredLines, type Results } from "../measuring/report.ts";
import type { Series } from "../measuring/rounds.ts";
import { summaryOf } from "../measuring/statistics.ts";
import type { ImageInfo } from "./images.ts";
import { INFLATE, WRITE } from "./limits.ts";

export interface PullResults extends Results {
  /** By title. */
  readonly images: ReadonlyMap<string, ImageInfo>;
  readonly elapsedMs: number;
}

const COLORS: Readonly<Record<string, string>> = {
  docker: "#8c959f",
  podman: "#bf8700",
  [INFLATE]: "#d0d7de",
  [WRITE]: "#d0d7de",
};
const TSD_COLOR = "#0969da";

/** Formats the report. @param picture file name of the SVG */
export function pullMarkdown(results: PullResults, picture: string): string {
  const { date, series, aims, images, elapsedMs } = results;
  return [
    "# Pulling images",
    "",
    `${date.slice(0, 10)}, \`./dev bench pull\`, ${Math.round(elapsedMs / 60_000)} minutes; see`,
    "[README.md](../README.md#pull) for the peers, the method and the aims.",
    "",
    `![Medians as bars](${picture})`,
    "",
    ...markdownLines(series, aims),
    "",
    "Medians. `tsd` is `erofs` with `wasm`; the other columns of tsd say what is different.",
    `\`${INFLATE}\` and \`${WRITE}\` are what the machine can do with the same layers.`,
    "",
    ...imageLines(images),
    "",
    ...measuredLines(results),
    "",
  ].join("\n");
}

function imageLines(images: ReadonlyMap<string, ImageInfo>): string[] {
  const megabytes = (bytes: number) => `${Math.round(bytes / 1e6)} MB`;
  return [
    "| image | layers | compressed | as tar | files, directories, links |",
    "| --- | ---: | ---: | ---: | ---: |",
    ...[...images].map(([title, { layers, compressedBytes, tarBytes, entries }]) =>
      `| ${[title, layers, megabytes(compressedBytes), megabytes(tarBytes), entries].join(" | ")} |`
    ),
  ];
}

/** Renders a group of bars for each row whose unit is time. */
export function pullPicture(series: readonly Series[]): string {
  const rows = Map.groupBy(series.filter(({ unit }) => unit === "ms"), ({ row }) => row);
  return barChart([...rows].map(([title, ofRow]) => ({
    title,
    bars: ofRow.map(({ peer, samples, unit }) => {
      const { median } = summaryOf(samples);
      return { label: peer, value: median, text: figure(median, unit), color: COLORS[peer] ?? TSD_COLOR };
    }),
  })));
}
