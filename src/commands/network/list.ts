import type { Network } from "../../api_types/mod.ts";
import { defineCommand } from "../../cli/mod.ts";
import { configuredFormat } from "../formatter/configured_format.ts";
import type { CommandContext } from "../context.ts";
import {
  FORMAT_HELP,
  goTime,
  isUsualTable,
  type ListRow,
  type ListView,
  parseFilters,
  renderList,
  shortId,
} from "../formatter/list_format.ts";

export type NetworkField =
  | "CreatedAt"
  | "Driver"
  | "ID"
  | "IPv4"
  | "IPv6"
  | "Internal"
  | "Labels"
  | "Name"
  | "Scope";

export const NETWORK_VIEW: ListView<NetworkField> = {
  typeName: "*formatter.networkContext",
  titles: {
    CreatedAt: "CREATED AT",
    Driver: "DRIVER",
    ID: "NETWORK ID",
    IPv4: "IPV4",
    IPv6: "IPV6",
    Internal: "INTERNAL",
    Labels: "LABELS",
    Name: "NAME",
    Scope: "SCOPE",
  },
  columns: ["ID", "Name", "Driver", "Scope"],
};

/** The formats that `--format raw` stands for. */
const RAW = "network_id: {{.ID}}\nname: {{.Name}}\ndriver: {{.Driver}}\nscope: {{.Scope}}\n";
const RAW_QUIET = "network_id: {{.ID}}";

/** `tsd network ls`. */
export const networkList = defineCommand({
  usage: "[OPTIONS]",
  args: { min: 0, max: 0 },
  flags: {
    filter: { type: "list", short: "f", valueName: "filter", help: 'Provide filter values (e.g. "driver=bridge")' },
    format: { type: "string", help: FORMAT_HELP },
    "no-trunc": { type: "bool", help: "Do not truncate the output" },
    quiet: { type: "bool", short: "q", help: "Only display network IDs" },
  },
  examples: [
    { line: "network ls -f type=custom", note: "Those that somebody made" },
    { line: "network ls --format {{.Name}}", note: "Their names only" },
  ],
  async run({ terminal, engine }: CommandContext, { flags }) {
    const { filter, format: typed = "", quiet } = flags;
    const networks = await engine.networks.list({ filters: parseFilters(filter) });
    const given = typed !== "" || quiet ? typed : await configuredFormat(terminal, "networksFormat");
    const named = given === "raw" ? (quiet ? RAW_QUIET : RAW) : given;
    const format = quiet && isUsualTable(named) ? "{{.ID}}" : named;
    const sorted = networks.toSorted((a, b) => NATURAL.compare(a.Name, b.Name));
    const rows = sorted.map((network) => networkRow(network, flags["no-trunc"]));
    await terminal.out(await renderList(NETWORK_VIEW, format, rows, sorted.map(networkMethods)));
    return 0;
  },
});

/** Natural order, as in Docker: numbers in names are compared by value. */
const NATURAL = new Intl.Collator("en", { numeric: true, caseFirst: "upper" });

export function networkRow(network: Network, full: boolean): ListRow<NetworkField> {
  const { Id, Name, Driver, Scope, Created, EnableIPv4, EnableIPv6, Internal, Labels } = network;
  return {
    CreatedAt: goTime(Date.parse(Created) / 1000),
    Driver,
    ID: full ? Id : shortId(Id),
    IPv4: String(EnableIPv4),
    IPv6: String(EnableIPv6),
    Internal: String(Internal),
    Labels: Object.entries(Labels ?? {}).map(([key, value]) => `${key}=${value}`).join(","),
    Name,
    Scope,
  };
}

/** Returns a row's methods: `{{.Label "key"}}`. */
export const networkMethods = ({ Labels }: Network) => ({ Label: (key: string) => Labels?.[key] ?? "" });
