import type { PluginStatus } from "../../plugins/mod.ts";

/** Returns the warnings of `docker info` about disabled plugins, which may have gone unnoticed in the log. */
export const pluginWarnings = (plugins: readonly PluginStatus[]): string[] =>
  plugins.filter(({ enabled }) => !enabled).map(({ name, failuresInARow, lastError }) =>
    `WARNING: plugin ${name} is disabled after ${failuresInARow} failures in a row, the last one at ${lastError}`
  );
