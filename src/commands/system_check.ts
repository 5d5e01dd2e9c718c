import type { CheckedPart } from "../api/wire/mod.ts";
import { defineCommand } from "../cli/mod.ts";
import { checkImages } from "../client/images.ts";
import type { CommandContext } from "./context.ts";

/** `tsd system check`. */
export const systemCheck = defineCommand({
  usage: "[OPTIONS] [IMAGE...]",
  args: { min: 0 },
  flags: {
    quiet: { type: "bool", short: "q", help: "Only show what is damaged" },
  },
  examples: [
    { line: "system check", note: "Read all images, and compare each config, manifest and layer with its digest" },
    { line: "system check -q alpine", note: "Whether one image is whole, by the exit code: 1 if anything is damaged" },
  ],
  async run({ terminal, engine }: CommandContext, { args: images, flags: { quiet } }) {
    let [whole, damaged] = [0, 0];
    for await (const part of checkImages(engine, images)) {
      if (part.Problem === undefined) whole++;
      else {
        damaged++;
        await terminal.out(`${damage(part, part.Problem)}\n`);
      }
    }
    if (!quiet) await terminal.out(`Checked: ${whole + damaged}, damaged: ${damaged}\n`);
    if (damaged === 0) return 0;
    await terminal.err("Remove the images that have it (tsd rmi) and pull them again.\n");
    return 1;
  },
});

const damage = ({ Kind, Digest, Images }: CheckedPart, problem: string): string =>
  `${Kind} ${Digest} of ${Images.join(", ")}: ${problem}`;
