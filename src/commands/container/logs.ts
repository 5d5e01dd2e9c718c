import { defineCommand, UsageError } from "../../cli/mod.ts";
import type { CommandContext } from "../context.ts";
import { parseTimestamp } from "../opts/timestamp.ts";

/** `tsd logs`. */
export const logs = defineCommand({
  usage: "[OPTIONS] CONTAINER",
  args: { min: 1, max: 1 },
  flags: {
    clear: { type: "bool", help: "Remove what was logged so far, and show nothing" },
    details: { type: "bool", help: "Show extra details provided to logs" },
    follow: { type: "bool", short: "f", help: "Follow log output" },
    since: {
      type: "string",
      help: 'Show logs since timestamp (e.g. "2013-01-02T13:23:37Z") or relative (e.g. "42m" for 42 minutes)',
    },
    tail: { type: "string", short: "n", default: "all", help: "Number of lines to show from the end of the logs" },
    timestamps: { type: "bool", short: "t", help: "Show timestamps" },
    until: {
      type: "string",
      help: 'Show logs before a timestamp (e.g. "2013-01-02T13:23:37Z") or relative (e.g. "42m" for 42 minutes)',
    },
  },
  examples: [
    { line: "logs -f --tail 20 web", note: "The last lines, and those to come" },
    { line: "logs --clear web", note: "Empty the log of a container, running or not" },
  ],
  async run({ terminal, engine }: CommandContext, { args: [name], flags }) {
    if (flags.clear) {
      const { details, follow, since, tail, timestamps, until } = flags;
      if (details || follow || since !== undefined || tail !== "all" || timestamps || until !== undefined) {
        throw new UsageError("conflicting options: --clear goes with no other option");
      }
      await engine.containers.get(name).clearLogs();
      return 0;
    }
    const now = Date.now();
    const options = {
      follow: flags.follow,
      timestamps: flags.timestamps,
      details: flags.details,
      tail: flags.tail,
      since: parseTimestamp(flags.since, now, "since"),
      until: parseTimestamp(flags.until, now, "until"),
    };
    const sinks = {
      stdout: (bytes: Uint8Array) => terminal.out(bytes),
      stderr: (bytes: Uint8Array) => terminal.err(bytes),
    };
    await engine.containers.get(name).copyLogs(sinks, options);
    return 0;
  },
});
