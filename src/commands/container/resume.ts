import { defineCommand } from "../../cli/mod.ts";
import { runAttached } from "./attached_run.ts";
import type { CommandContext } from "../context.ts";
import { exec } from "./exec.ts";
import { attachToExec } from "./attached_exec.ts";
import { runExitCode } from "./run.ts";
import { NO_STREAM } from "../../client/stdio_forwarder.ts";

/** A command that a command server ran has no terminal and doesn't read standard input. */
const ATTACH = { stdin: false, stdout: true, stderr: true };

/** `tsd __resume exec`: continues an exec whose command server went away while it ran the command. */
export const resumeExec = defineCommand({
  usage: "ID",
  args: { min: 1, max: 1 },
  flags: {},
  exitCode: exec.exitCode!,
  examples: [],
  run: (context: CommandContext, { args: [id] }) =>
    attachToExec(context, context.engine.exec(id), NO_STREAM, {
      stdin: false,
      tty: false,
      what: `the command of exec ${id}`,
    }),
});

/** `tsd __resume run`: continues a run whose command server went away while it ran the command. */
export const resumeRun = defineCommand({
  usage: "[OPTIONS] ID",
  args: { min: 1, max: 1 },
  flags: {
    rm: { type: "bool", help: "The container goes away when it ends" },
    "sig-proxy": { type: "bool", default: true, help: "Proxy received signals to the process" },
  },
  exitCode: runExitCode,
  examples: [],
  run: (context: CommandContext, { args: [id], flags: { rm: autoRemove, "sig-proxy": proxySignals } }) =>
    runAttached(context, id, { attach: ATTACH, tty: false, autoRemove, proxySignals, isResumed: true }),
});
