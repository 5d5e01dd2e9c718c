import type { PluginInfo } from "../../api_types/mod.ts";
import { defineCommand } from "../../cli/mod.ts";
import type { CommandContext } from "../context.ts";
import { FORMAT_HELP, isUsualTable, type ListRow, type ListView, renderList } from "../formatter/list_format.ts";

type PluginField =
  | "Name"
  | "Version"
  | "Description"
  | "State"
  | "Why"
  | "Hooks"
  | "File"
  | "Calls"
  | "Failures"
  | "LastError";

const PLUGIN_VIEW: ListView<PluginField> = {
  typeName: "*formatter.pluginContext",
  titles: {
    Name: "NAME",
    Version: "VERSION",
    Description: "DESCRIPTION",
    State: "STATE",
    Why: "WHY",
    Hooks: "HOOKS",
    File: "FILE",
    Calls: "CALLS",
    Failures: "FAILURES",
    LastError: "LAST ERROR",
  },
  columns: ["Name", "Version", "State", "Calls", "Failures", "Hooks"],
};

/** `tsd plugin ls`. */
export const pluginList = defineCommand({
  usage: "[OPTIONS]",
  args: { min: 0, max: 0 },
  flags: {
    format: { type: "string", help: FORMAT_HELP },
    quiet: { type: "bool", short: "q", help: "Only display names" },
  },
  examples: [
    { line: "plugin ls", note: "Plugins that are known, and how they fare" },
    { line: "plugin ls --format {{.Name}}:{{.Why}}", note: "Why some are not in use" },
  ],
  async run({ terminal, engine }: CommandContext, { flags: { format: typed = "", quiet } }) {
    const format = quiet && isUsualTable(typed) ? "{{.Name}}" : typed;
    const plugins = await engine.plugins.list();
    await terminal.out(await renderList(PLUGIN_VIEW, format, plugins.map(pluginRow)));
    return 0;
  },
});

function pluginRow(plugin: PluginInfo): ListRow<PluginField> {
  const { Name, Version, Description, State, Why, Hooks, File, Calls, Failures, LastError } = plugin;
  return {
    ...{ Name, Version, Description, State, Why, File, LastError },
    Hooks: Hooks.join(","),
    Calls: String(Calls),
    Failures: String(Failures),
  };
}
