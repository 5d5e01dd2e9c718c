import { defineCommand, UsageError } from "../cli/mod.ts";
import { runAttached } from "./attached_run.ts";
import type { CommandContext } from "./context.ts";
import { followExec } from "./followed_exec.ts";
import { runExitCode } from "./run.ts";
import { NO_STREAM } from "./stdio_session.ts";

/** What a host can have begun has no terminal and reads no standard input. */
const ATTACH = { stdin: false, stdout: true, stderr: true };

/** `tsd __resume`: goes on with what an engine did for its caller when it went away. */
export const resume = defineCommand({
  usage: "[OPTIONS] exec|run ID",
  args: { min: 2, max: 2 },
  flags: {
    rm: { type: "bool", help: "The container goes away when it ends" },
    "sig-proxy": { type: "bool", default: true, help: "Proxy received signals to the process" },
  },
  exitCode: runExitCode,
  examples: [],
  run(context: CommandContext, { args: [kind, id], flags }) {
    if (kind === "exec") {
      return followExec(context, id, NO_STREAM, { stdin: false, tty: false, what: `the command of exec ${id}` });
    }
    if (kind !== "run") throw new UsageError(`nothing of the kind ${JSON.stringify(kind)} can be gone on with`);
    const { rm: autoRemove, "sig-proxy": proxySignals } = flags;
    return runAttached(context, id, { attach: ATTACH, tty: false, autoRemove, proxySignals, isResumed: true });
  },
});
