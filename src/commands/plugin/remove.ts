import { defineCommand } from "../../cli/mod.ts";
import type { CommandContext } from "../context.ts";
import { forEachTarget } from "../container/for_each_target.ts";

/** `tsd plugin rm`. */
export const pluginRemove = defineCommand({
  usage: "PLUGIN [PLUGIN...]",
  args: { min: 1 },
  flags: {},
  examples: [{ line: "plugin rm audit", note: "With its log, its storage and what it was granted" }],
  run: ({ terminal, engine }: CommandContext, { args }) =>
    forEachTarget(terminal, args, (name) => engine.plugins.get(name).remove()),
});
