import type { FlagValue, Terminal } from "../cli/mod.ts";
import { startInBackground, subcommand, userId } from "../cli/mod.ts";
import { autostarting } from "../client/autostart.ts";
import { retryUntilAvailable } from "../client/reconnect.ts";
import { connectorTo } from "../client/connection.ts";
import { EngineClient } from "../client/engine_client.ts";
import { chooseHost, type EngineHost } from "../client/host.ts";
import type { EngineTransport } from "../client/transport.ts";

/** How an engine is served in this process; `mod.ts` hands it in, so that no command imports the engine. */
export type Serve = (options: ServeOptions) => Promise<number>;

/** What `tsd daemon` was asked for. */
export interface ServeOptions {
  readonly dataRoot?: string;
  /** Default: `/etc/tsd/config.json`, if it is there. */
  readonly configFile?: string;
  /** `unix:///path/to.sock`. */
  readonly host?: string;
  /** Leave when nothing is left to do. */
  readonly onDemand?: boolean;
  readonly logLevel?: string;
  /** The command that serves it again, for `tsd daemon reload`; without it that is refused. */
  readonly command?: readonly string[];
  /** No engine, but the process that answers for names of containers: the path of its socket. */
  readonly names?: string;
}

/** What every command gets. */
export interface CommandContext {
  readonly terminal: Terminal;
  /** The engine, started by the first call if it is the default one and doesn't run. */
  readonly engine: EngineTransport;
  /** The same engine, but it is never started. */
  readonly runningEngine: EngineTransport;
  /** Whether a missing engine is no failure, because it starts when it is needed. */
  readonly startsOnDemand: boolean;
  /** The value of the global `-H`. */
  readonly hostFlag: string | undefined;
  readonly serve: Serve;
  /** Told when a phase of the command is over; there with `--timing` only. */
  readonly clock?: { lap(phase: string): void };
}

/** Set by the portable form's shell when its engine went away before a command was done, which is to be done anew. */
const WENT_AWAY = "TSD_ENGINE_WENT_AWAY";

/** Where an engine that was started on demand writes its log. */
export const ENGINE_LOG = "/run/tsd/engine.log";

/** The context of a real command line. @throws {TsdError} usage (a bad address, at the first use of the engine) */
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
): EngineTransport {
  const connect = connectorTo(host);
  if (!host.isDefault || !start) {
    const patient = isDisconnected ? () => retryUntilAvailable(connect) : connect;
    return new EngineClient(patient, host.kind === "tcp" ? tcpHostHeader(host) : undefined);
  }
  const launch = () => startInBackground([...subcommand(), "daemon", "--on-demand"]);
  return new EngineClient(
    autostarting(connect, { launch, uid: userId(), logPath: ENGINE_LOG, hasAnswered: isDisconnected }),
  );
}

const tcpHostHeader = ({ hostname, port }: { hostname: string; port: number }): string =>
  hostname.includes(":") ? `[${hostname}]:${port}` : `${hostname}:${port}`;
