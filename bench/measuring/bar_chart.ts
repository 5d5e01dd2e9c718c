/** Renders horizontal bar charts as SVG. */

export interface Bar {
  readonly label: string;
  readonly value: number;
  /** The text at the bar's end. */
  readonly text: string;
  readonly color: string;
}

export interface BarGroup {
  readonly title: string;
  readonly bars: readonly Bar[];
}

const WIDTH = 760;
const LABEL_WIDTH = 130;
const TEXT_WIDTH = 110;
const MARGIN = 16;
const BAR = { height: 14, pitch: 20 };
const TITLE_HEIGHT = 30;
const STYLE = "text { font: 12px sans-serif; fill: #24292f } .title { font-weight: bold } .label { text-anchor: end }";

/** Renders the groups as one SVG document; each group has its own scale. */
export function barChart(groups: readonly BarGroup[]): string {
  const parts: string[] = [];
  let top = MARGIN;
  for (const group of groups) {
    parts.push(...groupLines(group, top));
    top += heightOf(group);
  }
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${top}" viewBox="0 0 ${WIDTH} ${top}">`,
    `  <style>${STYLE}</style>`,
    `  <rect width="${WIDTH}" height="${top}" fill="#fff" />`,
    ...parts.map((line) => `  ${line}`),
    "</svg>",
    "",
  ].join("\n");
}

const heightOf = ({ bars }: BarGroup): number => TITLE_HEIGHT + bars.length * BAR.pitch + MARGIN;

function groupLines({ title, bars }: BarGroup, top: number): string[] {
  const longest = Math.max(...bars.map(({ value }) => value));
  const left = MARGIN + LABEL_WIDTH;
  const room = WIDTH - left - TEXT_WIDTH;
  const lines = bars.flatMap(({ label, value, text, color }, at) => {
    const y = top + TITLE_HEIGHT + at * BAR.pitch;
    const [width, baseline] = [Math.max(1, Math.round(room * value / longest)), y + BAR.height - 3];
    return [
      `<text class="label" x="${left - 8}" y="${baseline}">${escaped(label)}</text>`,
      `<rect x="${left}" y="${y}" width="${width}" height="${BAR.height}" fill="${color}" />`,
      `<text x="${left + width + 6}" y="${baseline}">${escaped(text)}</text>`,
    ];
  });
  return [`<text class="title" x="${MARGIN}" y="${top + BAR.height}">${escaped(title)}</text>`, ...lines];
}

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;" };

const escaped = (text: string): string => text.replace(/[&<>]/g, (sign) => ENTITIES[sign]!);
