import { defineCommand, renderTable } from "../../cli/mod.ts";
import type { CommandContext } from "../context.ts";

/** Docker's minimum column width for this command, which is wider than that of listings. */
const MIN_COLUMN_WIDTH = 20;

/** `tsd top`. */
export const top = defineCommand({
  usage: "CONTAINER [ps OPTIONS]",
  args: { min: 1 },
  flags: {},
  flagsFirst: true,
  examples: [
    { line: "top web", note: "The processes of a container" },
    { line: "top web -o pid,rss,args", note: "Columns as ps takes them" },
  ],
  async run({ terminal, engine }: CommandContext, { args: [name, ...psArgs] }) {
    const { Titles, Processes } = await engine.containers.get(name).top(
      psArgs.length === 0 ? undefined : psArgs.join(" "),
    );
    await terminal.out(renderTable([Titles, ...Processes ?? []], MIN_COLUMN_WIDTH));
    return 0;
  },
});
