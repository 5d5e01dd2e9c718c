import type { ContainerSummary, DiskUsage, ImageSummary } from "../../api_types/mod.ts";
import { defineCommand, humanSize } from "../../cli/mod.ts";
import type { CommandContext } from "../context.ts";
import { FORMAT_HELP, isUsualTable, type ListRow, type ListView, renderList } from "../formatter/list_format.ts";

type Field = "Active" | "Reclaimable" | "Size" | "TotalCount" | "Type";

const VIEW: ListView<Field> = {
  typeName: "*formatter.diskUsageImagesContext",
  titles: { Active: "ACTIVE", Reclaimable: "RECLAIMABLE", Size: "SIZE", TotalCount: "TOTAL", Type: "TYPE" },
  columns: ["Type", "TotalCount", "Active", "Size", "Reclaimable"],
};

/** The format that `--format raw` stands for. */
const RAW = "type: {{.Type}}\ntotal: {{.TotalCount}}\nactive: {{.Active}}\nsize: {{.Size}}\n" +
  "reclaimable: {{.Reclaimable}}\n";

const ACTIVE_STATES = new Set(["running", "paused", "restarting"]);

/** `tsd system df`. */
export const df = defineCommand({
  usage: "[OPTIONS]",
  args: { min: 0, max: 0 },
  flags: {
    format: { type: "string", help: FORMAT_HELP },
    verbose: { type: "bool", short: "v", help: "Show detailed information on space usage" },
  },
  examples: [
    { line: "system df", note: "What images and containers take on the disk, and how much of it nobody uses" },
    { line: "system df -v", note: "One by one" },
  ],
  async run({ terminal, engine }: CommandContext, { flags: { verbose, format } }) {
    const usage = await engine.system.diskUsage();
    if (!verbose) {
      await terminal.out(await renderList(VIEW, format === "raw" ? RAW : format, rowsOf(usage)));
      return 0;
    }
    const details = await import("./df_details.ts");
    const text = isUsualTable(format) ? details.detailTables(usage) : await details.detailsByTemplate(usage, format);
    await terminal.out(await text);
    return 0;
  },
});

/** Returns a row for each kind of object, in Docker's order. */
function rowsOf({ LayersSize, Images, Containers, Volumes, BuildCache }: DiskUsage): ListRow<Field>[] {
  const volumes = (Volumes ?? []).map(({ UsageData: { Size, RefCount } = { Size: -1, RefCount: 0 } }) => ({
    bytes: Math.max(Size, 0),
    isUsed: RefCount > 0,
  }));
  const containers = (Containers ?? []).map(({ SizeRw = 0, State }: ContainerSummary) => ({
    bytes: SizeRw,
    isUsed: ACTIVE_STATES.has(State),
  }));
  // Data that a cache shares with images counts as the images'.
  const caches = (BuildCache ?? []).map(({ Size, Shared, InUse }) => ({ bytes: Shared ? 0 : Size, isUsed: InUse }));
  const [size, usedBytes] = [sum(caches), sum(caches.filter(({ isUsed }) => isUsed))];
  return [
    imagesRow(LayersSize, Images ?? []),
    row("Containers", containers, share(unused(containers), sum(containers))),
    row("Local Volumes", volumes, share(unused(volumes), sum(volumes))),
    row("Build Cache", caches, humanSize(size - usedBytes)),
  ];
}

function imagesRow(layersBytes: number, images: readonly ImageSummary[]): ListRow<Field> {
  const used = images.filter(({ Containers }) => Containers !== 0);
  // Layers that several images share remain as long as one of the images does.
  const usedBytes = used.filter(({ Size, SharedSize }) => Size !== -1 && SharedSize !== -1)
    .reduce((total, { Size, SharedSize }) => total + Size - SharedSize, 0);
  return {
    Active: String(images.filter(({ Containers }) => Containers > 0).length),
    Reclaimable: share(layersBytes - usedBytes, layersBytes),
    Size: humanSize(layersBytes),
    TotalCount: String(images.length),
    Type: "Images",
  };
}

interface UsageItem {
  readonly bytes: number;
  readonly isUsed: boolean;
}

function row(Type: string, items: readonly UsageItem[], Reclaimable: string): ListRow<Field> {
  return {
    Active: String(items.filter(({ isUsed }) => isUsed).length),
    Reclaimable,
    Size: humanSize(sum(items)),
    TotalCount: String(items.length),
    Type,
  };
}

const sum = (items: readonly UsageItem[]): number => items.reduce((total, { bytes }) => total + bytes, 0);
const unused = (items: readonly UsageItem[]): number => sum(items.filter(({ isUsed }) => !isUsed));

/** Formats a size with its percentage of the total, truncated as in Go. */
const share = (bytes: number, total: number): string =>
  total > 0 ? `${humanSize(bytes)} (${Math.trunc(bytes * 100 / total)}%)` : humanSize(bytes);
