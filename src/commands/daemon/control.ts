import { defineCommand } from "../../cli/mod.ts";
import { connectorTo } from "../../client/connection.ts";
import { Client } from "../../client/client.ts";
import { HttpTransport } from "../../client/http_transport.ts";
import { chooseHost } from "../../client/host.ts";
import { TsdError } from "../../errors.ts";
import type { CommandContext } from "../context.ts";
import { type EngineControl, engineStatus, type Outcome, reloadEngine, stopEngine } from "./engine_control.ts";
import { HostEngineProcesses } from "./engine_process.ts";

/** `tsd daemon status`. */
export const daemonStatus = defineCommand({
  usage: "",
  args: { min: 0, max: 0 },
  flags: {},
  examples: [{ line: "daemon status", note: "Exit code 0 when the engine runs, 3 when it doesn't" }],
  run: (context: CommandContext) => runAction(context, engineStatus),
});

/** `tsd daemon stop`. */
export const daemonStop = defineCommand({
  usage: "[OPTIONS]",
  args: { min: 0, max: 0 },
  flags: {
    timeout: { type: "int", short: "t", default: 30, help: "Seconds to wait for its end" },
  },
  examples: [{ line: "daemon stop", note: "The engine ends, containers run on" }],
  run: (context: CommandContext, { flags }) =>
    runAction(context, (control) => stopEngine(control, flags.timeout * 1000)),
});

/** `tsd daemon reload`. */
export const daemonReload = defineCommand({
  usage: "",
  args: { min: 0, max: 0 },
  flags: {},
  examples: [{ line: "daemon reload", note: "Run a new version, or configuration, without a pause" }],
  run: (context: CommandContext) => runAction(context, reloadEngine),
});

async function runAction(
  context: CommandContext,
  action: (control: EngineControl) => Promise<Outcome>,
): Promise<number> {
  const { text, code } = await action(await controlOf(context));
  await context.terminal.out(text);
  return code;
}

/**
 * Returns the control of the default engine, or of that of `-H` or TSD_HOST. DOCKER_HOST is ignored, because it can refer to
 * another program's engine. @throws {TsdError} usage (the address is not a unix socket)
 */
async function controlOf({ terminal, hostFlag }: CommandContext): Promise<EngineControl> {
  const env = (name: string) => name === "DOCKER_HOST" ? undefined : terminal.env(name);
  const host = chooseHost({ flag: hostFlag, env });
  if (host.kind !== "unix") {
    throw new TsdError(
      "usage",
      `The engine at ${host.text} can't be managed from here: give the path of its unix socket`,
    );
  }
  return {
    socket: host.path,
    isDefault: host.isDefault,
    processes: new HostEngineProcesses(await import("../../sys/mod.ts")),
    engine: new Client(new HttpTransport(connectorTo(host))),
    now: () => Date.now(),
    pause: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  };
}
