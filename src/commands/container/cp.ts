import { defineCommand, StatusError } from "../../cli/mod.ts";
import type { CommandContext } from "../context.ts";

/** One side of a copy. */
interface Side {
  /** Undefined for a path on this machine. */
  readonly container?: string;
  readonly path: string;
}

/** `tsd cp`. */
export const cp = defineCommand({
  usage: "[OPTIONS] CONTAINER:SRC_PATH DEST_PATH|-\n        tsd cp [OPTIONS] SRC_PATH|- CONTAINER:DEST_PATH",
  args: { min: 2, max: 2 },
  flags: {
    archive: { type: "bool", short: "a", help: "Archive mode (copy all uid/gid information)" },
    "follow-link": { type: "bool", short: "L", help: "Always follow symbol link in SRC_PATH" },
    quiet: {
      type: "bool",
      short: "q",
      help:
        "Suppress progress output during copy. Progress output is automatically suppressed if no terminal is attached",
    },
  },
  examples: [
    { line: "cp web:/etc/nginx ./nginx", note: "A folder out of a container, under another name" },
    { line: "cp ./site/. web:/var/www", note: "What is in a folder, into one of a container" },
    { line: "cp web:/data - > data.tar", note: "A tar of it" },
  ],
  async run({ terminal, engine }: CommandContext, { args, flags }) {
    const [source, target] = args.map(sideOf) as [Side, Side];
    if (source.path === "" && source.container === undefined) throw new StatusError("source can not be empty");
    if (target.path === "" && target.container === undefined) throw new StatusError("destination can not be empty");
    const options = {
      source: source.path,
      target: target.path,
      followLink: flags["follow-link"],
      archive: flags.archive,
      quiet: flags.quiet || !terminal.isTty("stdout"),
    };
    const call = { terminal, engine };
    if (source.container !== undefined && target.container !== undefined) {
      throw new StatusError("copying between containers is not supported");
    }
    if (source.container !== undefined) {
      const { copyFrom } = await import("./files/copy_from.ts");
      await copyFrom(call, { ...options, container: source.container });
    } else if (target.container !== undefined) {
      const { copyTo } = await import("./files/copy_to.ts");
      await copyTo(call, { ...options, container: target.container });
    } else throw new StatusError("must specify at least one container source");
    return 0;
  },
});

/** Parses `CONTAINER:PATH` or a local path. A local path that contains a colon must start with `/` or `.`. */
function sideOf(argument: string): Side {
  const colon = argument.indexOf(":");
  if (argument.startsWith("/") || argument.startsWith(".") || colon <= 0) return { path: argument };
  return { container: argument.slice(0, colon), path: argument.slice(colon + 1) };
}
