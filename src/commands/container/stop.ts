import { defineCommand } from "../../cli/mod.ts";
import { retryIdempotent } from "../../client/reconnect.ts";
import type { CommandContext } from "../context.ts";
import { forEachTarget } from "./for_each_target.ts";

/** `tsd stop`. */
export const stop = defineCommand({
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  args: { min: 1 },
  flags: {
    signal: { type: "string", short: "s", help: "Signal to send to the container" },
    timeout: { type: "int", short: "t", aliases: ["time"], help: "Seconds to wait before killing the container" },
  },
  examples: [{ line: "stop -t 30 web", note: "Give a service half a minute to finish" }],
  async run({ terminal, engine }: CommandContext, { args, flags }) {
    const options = { timeoutSeconds: flags.timeout, stopSignal: flags.signal };
    return await forEachTarget(
      terminal,
      args,
      (name) => retryIdempotent(() => engine.containers.get(name).stop(options)),
    );
  },
});
