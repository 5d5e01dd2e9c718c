import { defineCommand } from "../../cli/mod.ts";
import type { CommandContext } from "../context.ts";

/** `tsd network reload`. */
export const networkReload = defineCommand({
  usage: "",
  args: { min: 0, max: 0 },
  flags: {},
  examples: [{ line: "network reload", note: "After something removed rules, bridges or interfaces" }],
  async run({ terminal, engine }: CommandContext) {
    const { Bridges, Ports } = await engine.networks.reload();
    await terminal.out(`Loaded the rules of ${counted(Bridges, "bridge")} and ${counted(Ports, "published port")}\n`);
    return 0;
  },
});

const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? "" : "s"}`;
