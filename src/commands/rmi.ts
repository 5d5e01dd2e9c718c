import { defineCommand } from "../cli/mod.ts";
import { removeImage } from "../client/images.ts";
import type { CommandContext } from "./context.ts";
import { forEachTarget } from "./targets.ts";

/** `tsd rmi`. */
export const rmi = defineCommand({
  usage: "[OPTIONS] IMAGE [IMAGE...]",
  args: { min: 1 },
  flags: {
    force: { type: "bool", short: "f", help: "Force removal of the image" },
    "no-prune": { type: "bool", help: "Do not delete untagged parents" },
  },
  examples: [{ line: "rmi alpine:3.20", note: "Remove a tag, and the image if it was its last" }],
  async run({ terminal, engine }: CommandContext, { args, flags }) {
    const options = { force: flags.force, keepParents: flags["no-prune"] };
    let exitCode = 0;
    // One after the other: what the first removes may decide what the second is.
    for (const name of args) {
      let lines: string[] = [];
      const remove = async () => {
        const items = await removeImage(engine, name, options);
        lines = items.map(({ Untagged, Deleted }) => Deleted ? `Deleted: ${Deleted}\n` : `Untagged: ${Untagged}\n`);
      };
      exitCode = Math.max(exitCode, await forEachTarget(terminal, [name], remove, { report: () => lines.join("") }));
    }
    return exitCode;
  },
});
