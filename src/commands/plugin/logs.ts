import { defineCommand, printableLine } from "../../cli/mod.ts";
import type { CommandContext } from "../context.ts";

/** `tsd plugin logs`. */
export const pluginLog = defineCommand({
  usage: "[OPTIONS] PLUGIN",
  args: { min: 1, max: 1 },
  flags: { tail: { type: "string", short: "n", default: "all", help: "Number of lines to show from the end" } },
  examples: [{ line: "plugin logs -n 20 audit", note: "What a plugin wrote to its log or to the console" }],
  async run({ terminal, engine }: CommandContext, { args: [name], flags: { tail } }) {
    for (const line of await engine.plugins.get(name).logs(tail)) await terminal.out(`${printableLine(line)}\n`);
    return 0;
  },
});
