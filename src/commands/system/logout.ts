import { defineCommand, StatusError } from "../../cli/mod.ts";
import type { CommandContext } from "../context.ts";
import { serverKey } from "../config/docker_config.ts";
import { openCredentials } from "../config/registry_auth.ts";

/** `tsd logout`. */
export const logout = defineCommand({
  usage: "[SERVER]",
  args: { min: 0, max: 1 },
  flags: {},
  examples: [{ line: "logout registry.example.com", note: "Forgets user name and password" }],
  async run({ terminal }: CommandContext, { args: [server] }) {
    const key = serverKey(server);
    await terminal.out(`Removing login credentials for ${key}\n`);
    try {
      await (await openCredentials(terminal)).erase(key);
    } catch (thrown) {
      // As in Docker, this isn't a failure: there may have been no credentials to erase.
      if (!(thrown instanceof StatusError)) throw thrown;
      await terminal.err(`WARNING: could not erase credentials:\n${key}: ${thrown.message}\n`);
    }
    return 0;
  },
});
