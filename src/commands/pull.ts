import { defineCommand } from "../cli/mod.ts";
import { canonicalString } from "../image/reference.ts";
import type { CommandContext } from "./context.ts";
import { authFor } from "./registry_auth.ts";
import { pullShowing, pullTarget } from "./pull_output.ts";

/** `tsd pull`. */
export const pull = defineCommand({
  usage: "[OPTIONS] NAME[:TAG|@DIGEST]",
  args: { min: 1, max: 1 },
  flags: {
    platform: { type: "string", help: "Pull for this platform (os/arch/variant) if the image has several" },
    quiet: { type: "bool", short: "q", help: "Suppress verbose output" },
  },
  examples: [
    { line: "pull alpine", note: "The newest alpine from Docker Hub" },
    { line: "pull localhost:5000/team/app:1.2", note: "From a registry on this machine" },
  ],
  async run({ terminal, engine }: CommandContext, { args: [name], flags }) {
    const { reference, addedTag } = pullTarget(name);
    if (addedTag && !flags.quiet) await terminal.out(`Using default tag: ${reference.tag}\n`);
    const show = flags.quiet ? {} : { show: (line: string) => terminal.out(line) };
    const auth = await authFor(terminal, reference);
    await pullShowing(engine, reference, { platform: flags.platform, auth, ...show });
    await terminal.out(`${canonicalString(reference)}\n`);
    return 0;
  },
});
