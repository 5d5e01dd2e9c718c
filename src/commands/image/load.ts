import { defineCommand, StatusError } from "../../cli/mod.ts";
import type { CommandContext } from "../context.ts";
import { openedFile } from "../container/files/input_file.ts";
import { optionalPlatform } from "../opts/platform.ts";
import { progressView } from "./progress_view.ts";

/** `tsd load`. */
export const load = defineCommand({
  usage: "[OPTIONS]",
  args: { min: 0, max: 0 },
  flags: {
    input: { type: "string", short: "i", help: "Read from tar archive file, instead of STDIN" },
    platform: { type: "string", help: "Load only the images for this platform (os[/arch[/variant]])" },
    quiet: { type: "bool", short: "q", help: "Suppress the load output" },
  },
  examples: [
    { line: "load -i images.tar", note: "All images of an archive of save, or of an OCI image layout" },
    { line: "load <images.tar.gz", note: "From standard input; archives may be compressed" },
  ],
  async run({ terminal, engine }: CommandContext, { flags }) {
    const { input } = flags;
    if (!input && terminal.isTty("stdin")) throw new StatusError("requested load from stdin, but stdin is empty");
    const upload = input ? await openedFile(input) : terminal.stdin;
    const quiet = flags.quiet || !terminal.isTty("stdout");
    const show = await progressView(terminal, "stdout");
    await engine.images.load(upload, { quiet, ...optionalPlatform(flags.platform), onProgress: show });
    return 0;
  },
});
