import type { InProcessApi } from "../api/http/in_process_api.ts";
import { portableBuild } from "../cli/mod.ts";
import type { Log } from "../log.ts";
import type { Epoll } from "../sys/mod.ts";
import { ServedCommands } from "./served_commands.ts";
import { callsDir } from "./slots.ts";

/** What an engine gives to the commands that it does for its callers. */
export interface CommandServerOptions {
  readonly socketPath: string;
  readonly api: InProcessApi;
  readonly epoll: Pick<Epoll, "add" | "remove">;
  readonly log: Log;
}

/**
 * Begins to do commands for callers of the same build. There are none where this isn't the portable form, whose shell is
 * what calls; a folder that can't be made leaves all commands to processes of their own.
 */
export function openCommandServer({ socketPath, api, epoll, log }: CommandServerOptions): ServedCommands | undefined {
  const build = portableBuild();
  if (build === undefined) return undefined;
  try {
    return new ServedCommands({ dir: callsDir(socketPath), socketPath, api, build, epoll, log });
  } catch (thrown) {
    log.warn("commands take processes of their own", { why: String(thrown) });
    return undefined;
  }
}
