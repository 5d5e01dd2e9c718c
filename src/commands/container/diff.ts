import { defineCommand, printableLine } from "../../cli/mod.ts";
import type { CommandContext } from "../context.ts";

const LETTERS = ["C", "A", "D"] as const;

/** `tsd diff`. */
export const diff = defineCommand({
  usage: "CONTAINER",
  args: { min: 1, max: 1 },
  flags: {},
  examples: [{ line: "diff web", note: "What a container added (A), changed (C) and deleted (D) in its root" }],
  async run({ terminal, engine }: CommandContext, { args: [name] }) {
    const changes = await engine.containers.get(name).changes();
    await terminal.out(changes.map(({ Path, Kind }) => `${LETTERS[Kind]} ${printableLine(Path)}\n`).join(""));
    return 0;
  },
});
