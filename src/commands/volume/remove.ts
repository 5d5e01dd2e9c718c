import { defineCommand } from "../../cli/mod.ts";
import type { CommandContext } from "../context.ts";
import { forEachTarget } from "../container/for_each_target.ts";

/** `tsd volume rm`. */
export const volumeRemove = defineCommand({
  usage: "[OPTIONS] VOLUME [VOLUME...]",
  args: { min: 1 },
  flags: { force: { type: "bool", short: "f", help: "Don't complain about volumes that there are not" } },
  examples: [{ line: "volume rm data", note: "A volume that no container uses, with all that is in it" }],
  run({ terminal, engine }: CommandContext, { args, flags: { force } }) {
    return forEachTarget(terminal, args, (name) => engine.volumes.get(name).remove({ force }));
  },
});
