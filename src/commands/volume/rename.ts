import { defineCommand } from "../../cli/mod.ts";
import type { CommandContext } from "../context.ts";

/** `tsd volume rename`. */
export const volumeRename = defineCommand({
  usage: "VOLUME NEW_NAME",
  args: { min: 2, max: 2 },
  flags: {},
  examples: [{ line: "volume rename data data-old", note: "Another name for a volume that no container refers to" }],
  async run({ engine }: CommandContext, { args: [name, newName] }) {
    await engine.volumes.get(name).rename(newName);
    return 0;
  },
});
