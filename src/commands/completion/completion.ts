import { defineCommand, StatusError } from "../../cli/mod.ts";
import { SHELLS } from "./values.ts";
import { COMPLETION_SCRIPTS } from "./scripts.ts";
import type { CommandContext } from "../context.ts";

/** `tsd completion`. */
export const completion = defineCommand({
  usage: "SHELL",
  args: { min: 1, max: 1 },
  flags: {},
  examples: [
    { line: "completion bash >/etc/bash_completion.d/tsd", note: "For bash, in new shells" },
    { line: "completion zsh >/usr/local/share/zsh/site-functions/_tsd", note: "For zsh" },
    { line: "completion fish >~/.config/fish/completions/tsd.fish", note: "For fish" },
  ],
  async run({ terminal }: CommandContext, { args: [name] }) {
    const shell = SHELLS.find((each) => each === name);
    if (shell === undefined) {
      throw new StatusError(`There is no completion for ${JSON.stringify(name)}: give ${SHELLS.join(", ")}`);
    }
    await terminal.out(COMPLETION_SCRIPTS[shell]);
    return 0;
  },
});
