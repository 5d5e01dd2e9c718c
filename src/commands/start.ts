import { defineCommand, UsageError } from "../cli/mod.ts";
import { inspectContainer, startContainer } from "../client/containers.ts";
import { runAttached } from "./attached_run.ts";
import type { CommandContext } from "./context.ts";
import { DETACH_KEYS_FLAG } from "./create_flags.ts";
import { forEachTarget } from "./targets.ts";

/** `tsd start`. */
export const start = defineCommand({
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  args: { min: 1 },
  flags: {
    ...DETACH_KEYS_FLAG,
    attach: { type: "bool", short: "a", help: "Attach STDOUT/STDERR and forward signals" },
    interactive: { type: "bool", short: "i", help: "Attach container's STDIN" },
    "sig-proxy": { type: "bool", default: true, help: "Proxy received signals to the process" },
  },
  examples: [{ line: "start -a job", note: "Start a container and show its output" }],
  async run(context: CommandContext, { args, flags }) {
    const { engine, terminal } = context;
    if (!flags.attach && !flags.interactive) {
      return await forEachTarget(terminal, args, (name) => startContainer(engine, name));
    }
    if (args.length > 1) throw new UsageError("you cannot start and attach multiple containers at once");
    const { Id, Config, HostConfig } = await inspectContainer(engine, args[0]);
    return await runAttached(context, Id, {
      attach: { stdin: flags.interactive && Config.OpenStdin === true, stdout: true, stderr: true },
      detachKeys: flags["detach-keys"],
      tty: Config.Tty === true,
      autoRemove: HostConfig.AutoRemove === true,
      proxySignals: flags["sig-proxy"],
    });
  },
});
