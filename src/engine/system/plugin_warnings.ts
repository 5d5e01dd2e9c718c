import type { PluginStatus } from "../../plugins/mod.ts";

/** What `info` says of plugins that were disabled: nobody may have looked into the log. */
export const pluginWarnings = (plugins: readonly PluginStatus[]): string[] =>
  plugins.filter(({ enabled }) => !enabled).map(({ name, failuresInARow, lastError }) =>
    `WARNING: plugin ${name} is disabled after ${failuresInARow} failures in a row, the last one at ${lastError}`
  );
