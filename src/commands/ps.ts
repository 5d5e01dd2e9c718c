import type { ContainerSummary, PortSummary } from "../api/wire/mod.ts";
import { defineCommand, humanDuration, humanSize } from "../cli/mod.ts";
import { listContainers } from "../client/containers.ts";
import type { CommandContext } from "./context.ts";
import { type Column, goTime, listFormat, parseFilters, renderList, shortId } from "./list_format.ts";

type Field =
  | "Command"
  | "CreatedAt"
  | "ID"
  | "Image"
  | "Labels"
  | "LocalVolumes"
  | "Mounts"
  | "Names"
  | "Networks"
  | "Ports"
  | "RunningFor"
  | "Size"
  | "State"
  | "Status";

const COLUMNS: readonly Column<Field>[] = [
  { field: "ID", head: "CONTAINER ID" },
  { field: "Image", head: "IMAGE" },
  { field: "Command", head: "COMMAND" },
  { field: "RunningFor", head: "CREATED" },
  { field: "Status", head: "STATUS" },
  { field: "Ports", head: "PORTS" },
  { field: "Names", head: "NAMES" },
];

const COMMAND_CHARS = 20;

/** `tsd ps`. */
export const ps = defineCommand({
  usage: "[OPTIONS]",
  args: { min: 0, max: 0 },
  flags: {
    all: { type: "bool", short: "a", help: "Show all containers (default shows just running)" },
    filter: { type: "list", short: "f", valueName: "filter", help: "Filter output based on conditions provided" },
    format: { type: "string", help: "Format output: 'table' (the default) or 'json'" },
    last: { type: "int", short: "n", default: -1, help: "Show n last created containers (includes all states)" },
    latest: { type: "bool", short: "l", help: "Show the latest created container (includes all states)" },
    "no-trunc": { type: "bool", help: "Don't truncate output" },
    quiet: { type: "bool", short: "q", help: "Only display container IDs" },
  },
  examples: [
    { line: "ps -a", note: "All containers, stopped ones too" },
    { line: "ps -q -f label=job=nightly", note: "The IDs of those with a label" },
  ],
  async run({ terminal, engine }: CommandContext, { flags }) {
    const format = listFormat(flags.format);
    const limit = flags.latest && flags.last === -1 ? 1 : flags.last;
    const containers = await listContainers(engine, {
      all: flags.all,
      filters: parseFilters(flags.filter),
      ...(limit > 0 ? { limit } : {}),
    });
    const rows = containers.map((container) => containerRow(container, Date.now(), flags["no-trunc"]));
    const quiet = flags.quiet && flags.format === undefined;
    await terminal.out(quiet ? rows.map(({ ID }) => `${ID}\n`).join("") : renderList(format, COLUMNS, rows));
    return 0;
  },
});

/** One row of the listing, in the order of Docker's JSON. */
export function containerRow(container: ContainerSummary, nowMs: number, full: boolean): Record<Field, string> {
  const names = container.Names.map((name) => name.replace(/^\//, ""));
  return {
    Command: JSON.stringify(full ? container.Command : ellipsis(container.Command, COMMAND_CHARS)),
    CreatedAt: goTime(container.Created),
    ID: full ? container.Id : shortId(container.Id),
    Image: !full && /^sha256:[0-9a-f]{64}$/.test(container.Image) ? shortId(container.Image) : container.Image,
    Labels: Object.entries(container.Labels ?? {}).map(([key, value]) => `${key}=${value}`).join(","),
    LocalVolumes: String((container.Mounts ?? []).filter(({ Driver }) => Driver === "local").length),
    Mounts: (container.Mounts ?? []).map(({ Name, Source }) => Name || Source)
      .map((name) => full ? name : ellipsis(name, 15)).join(","),
    // A name with a slash inside is how a container is called by one that links to it.
    Names: (full ? names : names.filter((name) => !name.includes("/"))).join(","),
    Networks: Object.keys(container.NetworkSettings?.Networks ?? {}).join(","),
    Ports: portList(container.Ports ?? []),
    RunningFor: `${humanDuration(nowMs - container.Created * 1000)} ago`,
    Size: humanSize(container.SizeRw ?? 0, 3),
    State: container.State,
    Status: container.Status,
  };
}

function portList(ports: readonly PortSummary[]): string {
  const host = (ip: string) => ip.includes(":") ? `[${ip}]` : ip;
  return ports.toSorted((a, b) => a.PrivatePort - b.PrivatePort || (a.PublicPort ?? 0) - (b.PublicPort ?? 0))
    .map(({ IP = "0.0.0.0", PrivatePort, PublicPort, Type }) =>
      (PublicPort === undefined ? "" : `${host(IP)}:${PublicPort}->`) + `${PrivatePort}/${Type}`
    ).join(", ");
}

function ellipsis(text: string, length: number): string {
  const chars = [...text];
  return chars.length <= length ? text : chars.slice(0, length - 1).join("") + "…";
}
