import { defineCommand, subcommand, subcommandArguments, UsageError } from "../../cli/mod.ts";
import { LOG_LEVELS, type LogLevel } from "../../log.ts";
import type { CommandContext, ServeOptions } from "../context.ts";

/** `tsd daemon`. */
export const daemon = defineCommand({
  usage: "[OPTIONS]",
  args: { min: 0, max: 0 },
  flags: {
    "data-root": { type: "string", help: "Folder of all persistent state (default /var/lib/tsd)" },
    config: { type: "string", help: "Configuration file (default /etc/tsd/config.json, if it is there)" },
    "storage-driver": {
      type: "string",
      help: "How layers are kept: erofs, overlay2, btrfs (default: the best that works)",
    },
    host: { type: "string", short: "H", help: "Socket to listen on (default unix:///run/tsd/tsd.sock)" },
    "log-level": { type: "string", default: "info", help: `Least severity to log: ${LOG_LEVELS.join(", ")}` },
    names: {
      type: "string",
      hidden: true,
      help: "Answer for names of containers, for the engine that comes to this socket",
    },
    "on-demand": { type: "bool", hidden: true, help: "Log to a file, and leave when nothing is left to do" },
  },
  examples: [
    { line: "daemon", note: "The engine that tsd would start by itself, in the foreground" },
    { line: "daemon --data-root /srv/a -H unix:///srv/a.sock", note: "A private engine beside it" },
  ],
  async run({ serve, hostFlag }: CommandContext, { flags }) {
    const logLevel = flags["log-level"];
    if (!LOG_LEVELS.includes(logLevel as LogLevel)) {
      throw new UsageError(`invalid log level "${logLevel}": give one of ${LOG_LEVELS.join(", ")}`);
    }
    const host = flags.host ?? hostFlag;
    const options: ServeOptions = {
      onDemand: flags["on-demand"],
      ...(flags.names === undefined ? {} : { names: flags.names }),
      logLevel,
      command: [...subcommand(), ...subcommandArguments()],
      ...(flags["data-root"] === undefined ? {} : { dataRoot: flags["data-root"] }),
      ...(flags["storage-driver"] === undefined ? {} : { storageDriver: flags["storage-driver"] }),
      ...(flags.config === undefined ? {} : { configFile: flags.config }),
      ...(host === undefined ? {} : { host }),
    };
    return await serve(options);
  },
});
