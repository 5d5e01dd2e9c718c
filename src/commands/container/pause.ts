import { defineCommand } from "../../cli/mod.ts";
import type { CommandContext } from "../context.ts";
import { forEachTarget } from "./for_each_target.ts";

/** `tsd pause`. */
export const pause = defineCommand({
  usage: "CONTAINER [CONTAINER...]",
  args: { min: 1 },
  flags: {},
  examples: [{ line: "pause web", note: "Freeze a container; its memory and connections stay" }],
  async run({ terminal, engine }: CommandContext, { args }) {
    return await forEachTarget(terminal, args, (name) => engine.containers.get(name).pause());
  },
});

/** `tsd unpause`. */
export const unpause = defineCommand({
  usage: "CONTAINER [CONTAINER...]",
  args: { min: 1 },
  flags: {},
  examples: [{ line: "unpause web", note: "Let a paused container go on" }],
  async run({ terminal, engine }: CommandContext, { args }) {
    return await forEachTarget(terminal, args, (name) => engine.containers.get(name).unpause());
  },
});
