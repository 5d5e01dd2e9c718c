import { defineCommand, StatusError } from "../../cli/mod.ts";
import type { CommandContext } from "../context.ts";

/** `tsd export`. */
export const exportRoot = defineCommand({
  usage: "[OPTIONS] CONTAINER",
  args: { min: 1, max: 1 },
  flags: { output: { type: "string", short: "o", help: "Write to a file, instead of STDOUT" } },
  examples: [{ line: "export -o web.tar web", note: "The whole root of a container, without its volumes" }],
  async run({ terminal, engine }: CommandContext, { args: [name], flags: { output } }) {
    if (output) await toFile(output, async () => (await engine.containers.get(name).export()).body);
    else {
      if (terminal.isTty("stdout")) {
        throw new StatusError("cowardly refusing to save to a terminal. Use the -o flag or redirect");
      }
      const { body } = await engine.containers.get(name).export();
      for await (const chunk of body) await terminal.out(chunk);
    }
    return 0;
  },
});

async function toFile(path: string, open: () => Promise<AsyncIterable<Uint8Array>>): Promise<void> {
  const { OutputFile } = await import("./files/output_file.ts");
  await using file = await OutputFile.create(path).catch((thrown) => {
    if (thrown instanceof StatusError) throw new StatusError(`failed to export container: ${thrown.message}`);
    throw thrown;
  });
  for await (const chunk of await open()) await file.write(chunk);
  await file.finish();
}
