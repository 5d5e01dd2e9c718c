import type { Volume } from "../../api_types/mod.ts";
import { defineCommand, humanSize, printableLine } from "../../cli/mod.ts";
import { configuredFormat } from "../formatter/configured_format.ts";
import type { CommandContext } from "../context.ts";
import {
  FORMAT_HELP,
  isUsualTable,
  type ListRow,
  type ListView,
  parseFilters,
  renderList,
} from "../formatter/list_format.ts";
import { refusedFlags } from "../container/refused_flags.ts";

export type VolumeField =
  | "Availability"
  | "Driver"
  | "Group"
  | "Labels"
  | "Links"
  | "Mountpoint"
  | "Name"
  | "Scope"
  | "Size"
  | "Status";

export const VOLUME_VIEW: ListView<VolumeField> = {
  typeName: "*formatter.volumeContext",
  titles: {
    Availability: "AVAILABILITY",
    Driver: "DRIVER",
    Group: "GROUP",
    Labels: "LABELS",
    Links: "LINKS",
    Mountpoint: "MOUNTPOINT",
    Name: "VOLUME NAME",
    Scope: "SCOPE",
    Size: "SIZE",
    Status: "STATUS",
  },
  columns: ["Driver", "Name"],
};

/** The formats that `--format raw` stands for. */
const RAW = "name: {{.Name}}\ndriver: {{.Driver}}\n";
const RAW_QUIET = "name: {{.Name}}";

/** `tsd volume ls`. */
export const volumeList = defineCommand({
  usage: "[OPTIONS]",
  args: { min: 0, max: 0 },
  flags: {
    ...refusedFlags(["cluster"]),
    filter: { type: "list", short: "f", valueName: "filter", help: 'Provide filter values (e.g. "dangling=true")' },
    format: { type: "string", help: FORMAT_HELP },
    quiet: { type: "bool", short: "q", help: "Only display volume names" },
  },
  examples: [
    { line: "volume ls -f dangling=true", note: "Volumes that no container uses" },
    { line: "volume ls --format {{.Mountpoint}}", note: "Where their files are on the host" },
  ],
  async run({ terminal, engine }: CommandContext, { flags: { filter, format: typed = "", quiet } }) {
    const { Volumes, Warnings } = await engine.volumes.list({ filters: parseFilters(filter) });
    const given = typed !== "" || quiet ? typed : await configuredFormat(terminal, "volumesFormat");
    const named = given === "raw" ? (quiet ? RAW_QUIET : RAW) : given;
    const format = quiet && isUsualTable(named) ? "{{.Name}}" : named;
    const sorted = Volumes.toSorted((a, b) => NATURAL.compare(a.Name, b.Name));
    await terminal.out(await renderList(VOLUME_VIEW, format, sorted.map(volumeRow), sorted.map(volumeMethods)));
    for (const warning of Warnings ?? []) await terminal.err(`WARNING: ${printableLine(warning)}\n`);
    return 0;
  },
});

/** Natural order, as in Docker: numbers in names are compared by value. */
const NATURAL = new Intl.Collator("en", { numeric: true, caseFirst: "upper" });

export function volumeRow({ Name, Driver, Labels, Mountpoint, Scope, UsageData }: Volume): ListRow<VolumeField> {
  return {
    Availability: "N/A",
    Driver,
    Group: "N/A",
    Labels: Object.entries(Labels ?? {}).map((pair) => pair.join("=")).sort().join(","),
    Links: UsageData === undefined ? "N/A" : String(UsageData.RefCount),
    Mountpoint,
    Name,
    Scope,
    Size: UsageData === undefined ? "N/A" : humanSize(UsageData.Size),
    Status: "N/A",
  };
}

/** Returns a row's methods: `{{.Label "key"}}`. */
export const volumeMethods = ({ Labels }: Volume) => ({ Label: (key: string) => Labels?.[key] ?? "" });
