import { defineCommand, StatusError } from "../../cli/mod.ts";
import type { CommandContext } from "../context.ts";
import { openedFile } from "../container/files/input_file.ts";

/** `tsd volume import`. */
export const volumeImport = defineCommand({
  usage: "VOLUME FILE|-",
  args: { min: 2, max: 2 },
  flags: {},
  examples: [
    { line: "volume import data data.tar", note: "Unpack a tar, compressed or not, over what the volume has" },
    { line: "volume import data -", note: "The same from standard input; a volume that there is not is made" },
  ],
  async run({ terminal, engine }: CommandContext, { args: [name, source] }) {
    if (source === "-" && terminal.isTty("stdin")) {
      throw new StatusError("a terminal has no archive to read. Give a file or redirect");
    }
    const upload = source === "-" ? terminal.stdin : await openedFile(source);
    await terminal.out(`${(await engine.volumes.get(name).import(upload)).Name}\n`);
    return 0;
  },
});
