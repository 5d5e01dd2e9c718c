import type { InProcessApi } from "../api/http/in_process_api.ts";
import { portableBuild } from "../cli/mod.ts";
import type { Log } from "../log.ts";
import type { Epoll } from "../sys/mod.ts";
import { ServedCommands } from "./served_commands.ts";
import { callsDir } from "./slots.ts";

/** Options of the command server. */
export interface CommandServerOptions {
  readonly socketPath: string;
  readonly api: InProcessApi;
  readonly epoll: Pick<Epoll, "add" | "remove">;
  readonly log: Log;
}

/**
 * Starts to serve commands of clients with the same build. Returns undefined if this isn't the portable build, whose
 * shell script is the client; or if the directory can't be created, so that clients run all commands themselves.
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
