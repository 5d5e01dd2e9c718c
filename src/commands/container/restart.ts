import { defineCommand } from "../../cli/mod.ts";
import type { CommandContext } from "../context.ts";
import { forEachTarget } from "./for_each_target.ts";

/** `tsd restart`. */
export const restart = defineCommand({
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  args: { min: 1 },
  flags: {
    signal: { type: "string", short: "s", help: "Signal to send to the container" },
    timeout: { type: "int", short: "t", aliases: ["time"], help: "Seconds to wait before killing the container" },
  },
  examples: [{ line: "restart -t 5 web", note: "Stop a service within five seconds and start it again" }],
  async run({ terminal, engine }: CommandContext, { args, flags }) {
    const options = { timeoutSeconds: flags.timeout, stopSignal: flags.signal };
    return await forEachTarget(terminal, args, (name) => engine.containers.get(name).restart(options));
  },
});
