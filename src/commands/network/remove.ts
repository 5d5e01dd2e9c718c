import { defineCommand } from "../../cli/mod.ts";
import { isTsdError } from "../../errors.ts";
import type { CommandContext } from "../context.ts";
import { forEachTarget } from "../container/for_each_target.ts";

/** `tsd network rm`. */
export const networkRemove = defineCommand({
  usage: "[OPTIONS] NETWORK [NETWORK...]",
  args: { min: 1 },
  flags: { force: { type: "bool", short: "f", help: "Don't complain about networks that there are not" } },
  examples: [{ line: "network rm back", note: "A network that no running container is in" }],
  run({ terminal, engine }: CommandContext, { args, flags: { force } }) {
    return forEachTarget(terminal, args, async (name) => {
      try {
        await engine.networks.get(name).remove();
      } catch (thrown) {
        if (!force || !isTsdError(thrown, "network_not_found", "not_found")) throw thrown;
      }
    });
  },
});
