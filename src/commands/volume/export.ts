import { defineCommand, StatusError } from "../../cli/mod.ts";
import type { CommandContext } from "../context.ts";

/** `tsd volume export`. */
export const volumeExport = defineCommand({
  usage: "[OPTIONS] VOLUME",
  args: { min: 1, max: 1 },
  flags: { output: { type: "string", short: "o", help: "Write to a file, instead of STDOUT" } },
  examples: [
    { line: "volume export -o data.tar data", note: "All files of a volume" },
    { line: "volume export data", note: "The same to standard output, for a pipe" },
  ],
  async run({ terminal, engine }: CommandContext, { args: [name], flags: { output } }) {
    if (output) await toFile(output, async () => (await engine.volumes.get(name).export()).body);
    else {
      if (terminal.isTty("stdout")) {
        throw new StatusError("cowardly refusing to save to a terminal. Use the -o flag or redirect");
      }
      for await (const chunk of (await engine.volumes.get(name).export()).body) await terminal.out(chunk);
    }
    return 0;
  },
});

async function toFile(path: string, open: () => Promise<AsyncIterable<Uint8Array>>): Promise<void> {
  const { OutputFile } = await import("../container/files/output_file.ts");
  await using file = await OutputFile.create(path);
  for await (const chunk of await open()) await file.write(chunk);
  await file.finish();
}
