import type { CheckedPart } from "../../api_types/mod.ts";
import { defineCommand } from "../../cli/mod.ts";
import type { CommandContext } from "../context.ts";

/** `tsd system check`. */
export const systemCheck = defineCommand({
  usage: "[OPTIONS] [IMAGE...]",
  args: { min: 0 },
  flags: {
    quiet: { type: "bool", short: "q", help: "Only show what is damaged, or could not be read" },
  },
  examples: [
    { line: "system check", note: "Read all images, and compare each config, manifest and layer with its digest" },
    {
      line: "system check -q alpine",
      note: "Whether one image is whole, by the exit code: 1 unless all of it was found good",
    },
  ],
  async run({ terminal, engine }: CommandContext, { args: images, flags: { quiet } }) {
    let [checked, damaged, unread] = [0, 0, 0];
    for await (const part of engine.images.check(images)) {
      if (part.Unread === undefined) checked++;
      else {
        unread++;
        await terminal.out(line(part, `could not be read: ${part.Unread}`));
      }
      if (part.Problem === undefined) continue;
      damaged++;
      await terminal.out(line(part, part.Problem));
    }
    const rest = unread === 0 ? "" : `, not read: ${unread}`;
    if (!quiet) await terminal.out(`Checked: ${checked}, damaged: ${damaged}${rest}\n`);
    if (damaged > 0) await terminal.err("Remove the images that have it (tsd rmi) and pull them again.\n");
    if (unread > 0) await terminal.err("What could not be read may be whole: check again when the cause is gone.\n");
    return damaged + unread === 0 ? 0 : 1;
  },
});

const line = ({ Kind, Digest, Images }: CheckedPart, what: string): string =>
  `${Kind} ${Digest} of ${Images.join(", ")}: ${what}\n`;
