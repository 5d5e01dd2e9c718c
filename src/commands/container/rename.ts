import { defineCommand } from "../../cli/mod.ts";
import type { CommandContext } from "../context.ts";

/** `tsd rename`. */
export const rename = defineCommand({
  usage: "CONTAINER NEW_NAME",
  args: { min: 2, max: 2 },
  flags: {},
  examples: [{ line: "rename web web-old", note: "Make room for another container of that name" }],
  async run({ engine }: CommandContext, { args: [name, newName] }) {
    await engine.containers.get(name).rename(newName);
    return 0;
  },
});
