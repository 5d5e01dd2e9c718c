import { defineCommand, StatusError } from "../../cli/mod.ts";
import type { CommandContext } from "../context.ts";
import { optionalPlatform } from "../opts/platform.ts";

/** `tsd save`. */
export const save = defineCommand({
  usage: "[OPTIONS] IMAGE [IMAGE...]",
  args: { min: 1 },
  flags: {
    output: { type: "string", short: "o", help: "Write to a file, instead of STDOUT" },
    platform: { type: "string", help: "Save only images for this platform (os[/arch[/variant]])" },
  },
  examples: [
    { line: "save -o images.tar alpine:3.20 web", note: "Two images; of a repository all its tags" },
    { line: "save alpine:3.20 | ssh host tsd load", note: "To another machine, without a registry" },
  ],
  async run({ terminal, engine }: CommandContext, { args: names, flags: { output, platform } }) {
    const open = async () => (await engine.images.save(names, optionalPlatform(platform))).body;
    if (output) await toFile(output, open);
    else {
      if (terminal.isTty("stdout")) {
        throw new StatusError("cowardly refusing to save to a terminal. Use the -o flag or redirect");
      }
      for await (const chunk of await open()) await terminal.out(chunk);
    }
    return 0;
  },
});

async function toFile(path: string, open: () => Promise<AsyncIterable<Uint8Array>>): Promise<void> {
  const { OutputFile } = await import("../container/files/output_file.ts");
  await using file = await OutputFile.create(path).catch((thrown) => {
    if (thrown instanceof StatusError) throw new StatusError(`failed to save image: ${thrown.message}`);
    throw thrown;
  });
  for await (const chunk of await open()) await file.write(chunk);
  await file.finish();
}
