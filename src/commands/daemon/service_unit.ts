import { TsdError } from "../../errors.ts";

/** The service's name. */
export const SERVICE_NAME = "tsd.service";
/** The path of the service's unit file. */
export const UNIT_PATH = `/etc/systemd/system/${SERVICE_NAME}`;

/**
 * Returns the systemd unit of the default engine (systemd.service(5), systemd.kill(5), systemd.resource-control(5)).
 * @param command the command line that runs tsd: an absolute path, and arguments that precede tsd's
 * @throws {TsdError} invalid_argument
 */
export function serviceUnit(command: readonly string[]): string {
  const tsd = command.map(unitWord).join(" ");
  return `# Made by "tsd daemon install", which writes it anew; use "systemctl edit tsd" for changes of your own.
[Unit]
Description=tsd container engine
After=network-online.target nss-lookup.target firewalld.service time-set.target
Wants=network-online.target
StartLimitIntervalSec=60
StartLimitBurst=3

[Service]
Type=notify
NotifyAccess=main
# Proxies and the like: NAME=value.
EnvironmentFile=-/etc/default/tsd
Environment=HOME=/root
# An engine that a client has started on demand makes room. Its containers run on.
ExecStartPre=-${tsd} daemon stop
ExecStart=${tsd} daemon
# The engine executes itself anew, in place; this waits until it serves.
ExecReload=${tsd} daemon reload
# Containers and what holds their streams outlive the engine.
KillMode=process
Delegate=yes
Restart=on-failure
RestartSec=2
TimeoutStartSec=infinity
LimitNOFILE=1048576
LimitNPROC=infinity
LimitCORE=infinity
TasksMax=infinity
OOMScoreAdjust=-500

[Install]
WantedBy=multi-user.target
`;
}

/** Quotes and escapes a word of a command line for a unit file, so that systemd takes it literally. */
function unitWord(word: string): string {
  // deno-lint-ignore no-control-regex -- a unit is made of lines
  if (/[\x00-\x1f\x7f]/.test(word)) {
    throw new TsdError("invalid_argument", `A unit can't hold the path ${JSON.stringify(word)}`);
  }
  const escaped = word.replaceAll("\\", "\\\\").replaceAll("%", "%%").replaceAll("$", "$$$$").replaceAll('"', '\\"');
  return /^[\w@%+=:,./-]+$/.test(escaped) ? escaped : `"${escaped}"`;
}
