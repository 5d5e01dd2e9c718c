import type { FlagValue, Terminal } from "../cli/mod.ts";
import { startInBackground, subcommand, userId } from "../cli/mod.ts";
import { autostarting } from "../client/autostart.ts";
import { retryUntilAvailable } from "../client/reconnect.ts";
import { connectorTo } from "../client/connection.ts";
import { HttpTransport } from "../client/http_transport.ts";
import { chooseHost, type EngineHost, hostHeader } from "../client/host.ts";
import { Client } from "../client/client.ts";

/** Serves an engine in this process; resolves to the exit code. `mod.ts` passes it in, so that no command imports the engine. */
export type Serve = (options: ServeOptions) => Promise<number>;

/** The options of `tsd daemon`. */
export interface ServeOptions {
  readonly dataRoot?: string;
  /** Default: `/etc/tsd/config.json`, if it exists. */
  readonly configFile?: string;
  /** `unix:///path/to.sock`. */
  readonly host?: string;
  /** Exit when idle. */
  readonly onDemand?: boolean;
  readonly logLevel?: string;
  /** The command line to execute for `tsd daemon reload`, which is refused without it. */
  readonly command?: readonly string[];
  /** The path of the socket of the embedded DNS process. If set, that process is served instead of an engine. */
  readonly names?: string;
}

/** The context that is passed to every command. */
export interface CommandContext {
  readonly terminal: Terminal;
  /** The engine. The default engine is started by the first request if it isn't running. */
  readonly engine: Client;
  /** The same engine, but it is never started. */
  readonly runningEngine: Client;
  /** Whether the engine starts on demand, so that its absence is not a failure. */
  readonly startsOnDemand: boolean;
  /** The value of the global `-H`. */
  readonly hostFlag: string | undefined;
  readonly serve: Serve;
  /** Records the end of a phase of the command; set only with `--timing`. */
  readonly clock?: { lap(phase: string): void };
}

/** Set by the portable form's shell if the command server went away while it ran the command, which is then run again. */
const WENT_AWAY = "TSD_ENGINE_WENT_AWAY";

/** The log file of an engine that was started on demand. */
export const ENGINE_LOG = "/run/tsd/engine.log";

/** Creates the context of a command line. @throws {TsdError} usage (an invalid address, at the first use of the engine) */
export function createContext(
  terminal: Terminal,
  globals: Readonly<Record<string, FlagValue>>,
  serve: Serve,
): CommandContext {
  const hostFlag = typeof globals.host === "string" ? globals.host : undefined;
  const host = () => chooseHost({ flag: hostFlag, env: (name) => terminal.env(name) });
  const isDisconnected = terminal.env(WENT_AWAY) !== undefined;
  return {
    terminal,
    hostFlag,
    serve,
    get engine() {
      return engineAt(host(), { start: true, isDisconnected });
    },
    get runningEngine() {
      return engineAt(host(), { start: false, isDisconnected });
    },
    get startsOnDemand() {
      return host().isDefault;
    },
  };
}

function engineAt(
  host: EngineHost,
  { start, isDisconnected }: { start: boolean; isDisconnected: boolean },
): Client {
  const connect = connectorTo(host);
  if (!host.isDefault || !start) {
    const connectWithRetry = isDisconnected ? () => retryUntilAvailable(connect) : connect;
    return new Client(new HttpTransport(connectWithRetry, hostHeader(host)));
  }
  const launch = () => startInBackground([...subcommand(), "daemon", "--on-demand"]);
  const options = { launch, uid: userId(), logPath: ENGINE_LOG, hasAnswered: isDisconnected };
  return new Client(new HttpTransport(autostarting(connect, options)));
}
