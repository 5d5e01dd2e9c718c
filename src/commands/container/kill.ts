import { defineCommand } from "../../cli/mod.ts";
import type { CommandContext } from "../context.ts";
import { forEachTarget } from "./for_each_target.ts";

/** `tsd kill`. */
export const kill = defineCommand({
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  args: { min: 1 },
  flags: { signal: { type: "string", short: "s", help: "Signal to send to the container (KILL if not given)" } },
  examples: [{ line: "kill -s HUP web", note: "Make a service read its configuration again" }],
  async run({ terminal, engine }: CommandContext, { args, flags }) {
    return await forEachTarget(terminal, args, (name) => engine.containers.get(name).kill(flags.signal));
  },
});
