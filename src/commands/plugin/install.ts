import { defineCommand, printableLine } from "../../cli/mod.ts";
import type { CommandContext } from "../context.ts";
import { GRANT_FLAGS, grantOf } from "./grants.ts";
import { readPluginFile } from "./plugin_file.ts";

/** `tsd plugin install`. */
export const pluginInstall = defineCommand({
  usage: "[OPTIONS] FILE",
  args: { min: 1, max: 1 },
  flags: GRANT_FLAGS,
  examples: [
    { line: "plugin install audit.ts", note: "Shows what the plugin asks for, asks, and uses it from now on" },
    { line: "plugin install --set url=https://example.com/hook notify.ts", note: "With a setting" },
    { line: "plugin install --grant-all-permissions audit.wasm", note: "Without a question; also to replace one" },
  ],
  async run({ terminal, engine }: CommandContext, { args: [path], flags }) {
    const file = await readPluginFile(path);
    const look = await engine.plugins.inspectFile(file);
    const grant = await grantOf(terminal, look, flags);
    if (grant === undefined) {
      await terminal.err("Nothing was installed.\n");
      return 1;
    }
    const { Name, State, Why } = await engine.plugins.install({ ...file, ...grant });
    await terminal.out(`${Name}\n`);
    if (State === "enabled") return 0;
    await terminal.err(`tsd: plugin ${Name} is installed and not in use: ${printableLine(Why)}\n`);
    return 1;
  },
});
