import { defineCommand } from "../../cli/mod.ts";
import type { TsdError } from "../../errors.ts";
import type { CommandContext } from "../context.ts";
import { removingNot } from "../wrong_object_hint.ts";
import { platformOf } from "../opts/platform.ts";
import { forEachTarget } from "../container/for_each_target.ts";

/** `tsd rmi`. */
export const rmi = defineCommand({
  usage: "[OPTIONS] IMAGE [IMAGE...]",
  args: { min: 1 },
  flags: {
    force: { type: "bool", short: "f", help: "Force removal of the image" },
    "no-prune": { type: "bool", help: "Do not delete untagged parents" },
    platform: { type: "list", help: "Remove only an image of this platform (os[/arch[/variant]])" },
  },
  examples: [
    { line: "rmi alpine:3.20", note: "Remove a tag, and the image if it was its last" },
    { line: "rmi -f 3fa822d5a1b2", note: "Remove an image with all its names" },
  ],
  async run({ terminal, engine }: CommandContext, { args, flags }) {
    const platforms = flags.platform.flatMap((text) => text.split(",")).map(platformOf);
    const options = { force: flags.force, keepParents: flags["no-prune"], platforms };
    // With -f, an image that doesn't exist counts as removed.
    const forgives = ({ meaning }: TsdError) => flags.force && meaning.http === 404;
    let exitCode = 0;
    // Sequentially, because a removal can change what the next name refers to.
    for (const name of args) {
      let lines: string[] = [];
      const remove = async () => {
        const items = await engine.images.get(name).remove(options);
        lines = items.map(({ Untagged, Deleted }) => Deleted ? `Deleted: ${Deleted}\n` : `Untagged: ${Untagged}\n`);
      };
      const action = () => removingNot("container", engine, name, remove);
      const report = () => lines.join("");
      exitCode = Math.max(exitCode, await forEachTarget(terminal, [name], action, { report, forgives }));
    }
    return exitCode;
  },
});
