import type { PluginPermissions } from "../../api_types/mod.ts";
import { defineCommand, printableLine } from "../../cli/mod.ts";
import { missingPermissions } from "../../plugins/host/manifest.ts";
import type { CommandContext } from "../context.ts";
import { forEachTarget } from "../container/for_each_target.ts";
import { GRANT_FLAGS, grantOf } from "./grants.ts";

/** `tsd plugin enable`. */
export const pluginEnable = defineCommand({
  usage: "[OPTIONS] PLUGIN",
  args: { min: 1, max: 1 },
  flags: GRANT_FLAGS,
  examples: [
    { line: "plugin enable audit", note: "Use it (again), as its file is now; ask about what it was not granted yet" },
    { line: "plugin enable --set level=2 audit", note: "With another setting" },
  ],
  async run({ terminal, engine }: CommandContext, { args: [name], flags }) {
    const { Permissions, Granted } = await engine.plugins.get(name).inspect();
    const missing = missingPermissions(Permissions, Granted) as PluginPermissions;
    const grant = await grantOf(terminal, { Name: name, Permissions: missing }, flags);
    if (grant === undefined) {
      await terminal.err("Nothing was changed.\n");
      return 1;
    }
    const { State, Why } = await engine.plugins.get(name).enable(grant);
    if (State === "enabled") {
      await terminal.out(`${name}\n`);
      return 0;
    }
    await terminal.err(`tsd: plugin ${name} is not in use: ${printableLine(Why)}\n`);
    return 1;
  },
});

/** `tsd plugin disable`. */
export const pluginDisable = defineCommand({
  usage: "PLUGIN [PLUGIN...]",
  args: { min: 1 },
  flags: {},
  examples: [{ line: "plugin disable audit", note: "It is called no more, and keeps what it was granted" }],
  run: ({ terminal, engine }: CommandContext, { args }) =>
    forEachTarget(terminal, args, async (name) => void await engine.plugins.get(name).disable()),
});
