import type { ContainerSummary } from "../../api_types/mod.ts";
import { defineCommand, humanDuration, humanSize } from "../../cli/mod.ts";
import { configuredFormat } from "../formatter/configured_format.ts";
import type { CommandContext } from "../context.ts";
import {
  type Cell,
  FORMAT_HELP,
  goTime,
  type ListView,
  parseFilters,
  renderList,
  type RowMethods,
  shortId,
} from "../formatter/list_format.ts";
import { portList } from "../formatter/port_list.ts";

export type ContainerField =
  | "Command"
  | "CreatedAt"
  | "ID"
  | "Image"
  | "Labels"
  | "LocalVolumes"
  | "Mounts"
  | "Names"
  | "Networks"
  | "Platform"
  | "Ports"
  | "RunningFor"
  | "Size"
  | "State"
  | "Status";

const COLUMNS = [
  "ID",
  "Image",
  "Command",
  "RunningFor",
  "Status",
  "Ports",
  "Names",
] as const satisfies ContainerField[];

export const CONTAINER_VIEW: ListView<ContainerField> = {
  typeName: "*formatter.ContainerContext",
  titles: {
    Command: "COMMAND",
    CreatedAt: "CREATED AT",
    ID: "CONTAINER ID",
    Image: "IMAGE",
    Labels: "LABELS",
    LocalVolumes: "LOCAL VOLUMES",
    Mounts: "MOUNTS",
    Names: "NAMES",
    Networks: "NETWORKS",
    Platform: "PLATFORM",
    Ports: "PORTS",
    RunningFor: "CREATED",
    Size: "SIZE",
    State: "STATE",
    Status: "STATUS",
  },
  columns: COLUMNS,
  failures: { parse: "failed to parse template", execute: "failed to execute template" },
};

const RAW_LINES = [
  ...["container_id: {{.ID}}", "image: {{.Image}}", "command: {{.Command}}", "created_at: {{.CreatedAt}}"],
  ...["state: {{- pad .State 1 0}}", "status: {{- pad .Status 1 0}}", "names: {{.Names}}"],
  ...["labels: {{- pad .Labels 1 0}}", "ports: {{- pad .Ports 1 0}}", ""],
];
/** The formats that `--format raw` stands for. */
const RAW = RAW_LINES.join("\n");
export const RAW_WITH_SIZE = `${RAW}size: {{.Size}}\n`;
const RAW_QUIET = "container_id: {{.ID}}";
const BOTH_GIVEN = "WARNING: Ignoring custom format, because both --format and --quiet are set.\n";

const COMMAND_CHARS = 20;

/** `tsd ps`. */
export const ps = defineCommand({
  usage: "[OPTIONS]",
  args: { min: 0, max: 0 },
  flags: {
    all: { type: "bool", short: "a", help: "Show all containers (default shows just running)" },
    filter: { type: "list", short: "f", valueName: "filter", help: "Filter output based on conditions provided" },
    format: { type: "string", help: FORMAT_HELP },
    last: { type: "int", short: "n", default: -1, help: "Show n last created containers (includes all states)" },
    latest: { type: "bool", short: "l", help: "Show the latest created container (includes all states)" },
    "no-trunc": { type: "bool", help: "Don't truncate output" },
    quiet: { type: "bool", short: "q", help: "Only display container IDs" },
    size: { type: "bool", short: "s", help: "Display total file sizes" },
  },
  examples: [
    { line: "ps -a", note: "All containers, stopped ones too" },
    { line: "ps -q -f label=job=nightly", note: "The IDs of those with a label" },
    { line: "ps --format {{.Names}}:{{.State}}", note: "A line of one's own for each container" },
  ],
  async run({ terminal, engine }: CommandContext, { flags }) {
    const { quiet, size } = flags;
    const typed = flags.format ?? "";
    if (quiet && typed !== "") await terminal.err(BOTH_GIVEN);
    const given = typed !== "" || quiet ? typed : await configuredFormat(terminal, "psFormat");
    const format = given === "raw" ? quiet ? RAW_QUIET : size ? RAW_WITH_SIZE : RAW : quiet ? "{{.ID}}" : given;
    const limit = flags.latest && flags.last === -1 ? 1 : flags.last;
    const containers = await engine.containers.list({
      all: flags.all,
      filters: parseFilters(flags.filter),
      ...(limit > 0 ? { limit } : {}),
      ...(size || needsSize(format) ? { size: true } : {}),
    });
    const rows = containers.map((container) => containerRow(container, Date.now(), flags["no-trunc"]));
    // The most common format needs no template.
    if (format === "{{.ID}}") await terminal.out(rows.map(({ ID }) => `${ID}\n`).join(""));
    else {await terminal.out(
        await renderList(size ? WITH_SIZE : CONTAINER_VIEW, format, rows, containers.map(rowMethods)),
      );}
    return 0;
  },
});

const WITH_SIZE: ListView<ContainerField> = { ...CONTAINER_VIEW, columns: [...COLUMNS, "Size"] };

/** Returns whether a format shows sizes, which are requested only then because computing them is slow. */
const needsSize = (format: string): boolean => /\.Size\b|\{\{\s*json\s*\.\s*\}\}/.test(format);

export const rowMethods = ({ Labels }: ContainerSummary): RowMethods => ({ Label: (key) => Labels?.[key] ?? "" });

/** Returns a row of the listing, with the fields in the order of Docker's JSON. */
export function containerRow(container: ContainerSummary, nowMs: number, full: boolean): Record<ContainerField, Cell> {
  const names = container.Names.map((name) => name.replace(/^\//, ""));
  return {
    Command: JSON.stringify(full ? container.Command : ellipsis(container.Command, COMMAND_CHARS)),
    CreatedAt: goTime(container.Created),
    ID: full ? container.Id : shortId(container.Id),
    Image: !full && /^sha256:[0-9a-f]{64}$/.test(container.Image) ? shortId(container.Image) : container.Image,
    Labels: Object.entries(container.Labels ?? {}).sort(([a], [b]) => a < b ? -1 : 1).map(([key, value]) =>
      `${key}=${value}`
    ).join(","),
    LocalVolumes: String((container.Mounts ?? []).filter(({ Driver }) => Driver === "local").length),
    Mounts: (container.Mounts ?? []).map(({ Name, Source }) => Name || Source)
      .map((name) => full ? name : ellipsis(name, 15)).join(","),
    // A name that contains a slash is an alias in another container that links to this one.
    Names: (full ? names : names.filter((name) => !name.includes("/"))).join(","),
    Networks: Object.keys(container.NetworkSettings?.Networks ?? {}).join(","),
    Platform: null,
    Ports: portList(container.Ports ?? []),
    RunningFor: `${humanDuration(nowMs - container.Created * 1000)} ago`,
    Size: sizeText(container),
    State: container.State,
    Status: container.Status,
  };
}

function sizeText({ SizeRw = 0, SizeRootFs = 0 }: ContainerSummary): string {
  const writable = humanSize(SizeRw, 3);
  return SizeRootFs > 0 ? `${writable} (virtual ${humanSize(SizeRootFs, 3)})` : writable;
}

function ellipsis(text: string, length: number): string {
  const chars = [...text];
  return chars.length <= length ? text : chars.slice(0, length - 1).join("") + "…";
}
