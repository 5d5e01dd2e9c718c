import { defineCommand } from "../../cli/mod.ts";
import type { CommandContext } from "../context.ts";

/** `tsd volume clone`. */
export const volumeClone = defineCommand({
  usage: "VOLUME NEW_NAME",
  args: { min: 2, max: 2 },
  flags: {},
  examples: [{
    line: "volume clone data data-test",
    note: "A copy to try something on; at once where blocks can be shared",
  }],
  async run({ terminal, engine }: CommandContext, { args: [name, newName] }) {
    await terminal.out(`${(await engine.volumes.get(name).clone(newName)).Name}\n`);
    return 0;
  },
});
