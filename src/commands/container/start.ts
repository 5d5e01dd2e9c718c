import { defineCommand, StatusError } from "../../cli/mod.ts";
import { runAttached } from "./attached_run.ts";
import type { CommandContext } from "../context.ts";
import { DETACH_KEYS_FLAG } from "../opts/detach_keys.ts";
import { refusedFlags } from "./refused_flags.ts";
import { forEachTarget } from "./for_each_target.ts";
import { timed, TIMING_FLAG } from "../timed.ts";

/** `tsd start`. */
export const start = defineCommand({
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  args: { min: 1 },
  flags: {
    ...DETACH_KEYS_FLAG,
    ...TIMING_FLAG,
    ...refusedFlags(["checkpoint", "checkpoint-dir"]),
    attach: { type: "bool", short: "a", help: "Attach STDOUT/STDERR and forward signals" },
    interactive: { type: "bool", short: "i", help: "Attach container's STDIN" },
    "sig-proxy": { type: "bool", default: true, help: "Proxy received signals to the process" },
  },
  // The exit code is that of the container's process; all other failures give 1, as with docker.
  exitCode: ({ code, meaning }) => code === "cancelled" ? meaning.exit : 1,
  needsClientProcess: ["attach", "interactive"],
  examples: [{ line: "start -a job", note: "Start a container and show its output" }],
  run: (baseContext: CommandContext, { args, flags }) =>
    timed(baseContext, flags.timing, async (context) => {
      const { engine, terminal, clock } = context;
      if (!flags.attach && !flags.interactive) {
        return await forEachTarget(terminal, args, async (name) => {
          await engine.containers.get(name).start();
          clock?.lap(`start ${name}`);
        });
      }
      if (args.length > 1) throw new StatusError("you cannot start and attach multiple containers at once");
      const { Id, Config, HostConfig } = await engine.containers.get(args[0]).inspect();
      clock?.lap("inspect");
      return await runAttached(context, Id, {
        attach: { stdin: flags.interactive && Config.OpenStdin === true, stdout: true, stderr: true },
        detachKeys: flags["detach-keys"],
        tty: Config.Tty === true,
        autoRemove: HostConfig.AutoRemove === true,
        proxySignals: flags["sig-proxy"],
      });
    }),
});
