/**
 * @module
 * Plugin hooks into the lifecycle of images and containers. The plugins on the bus run in the engine's process:
 * built-in plugins, and proxies of plugins that run in their own processes. Invariants: a hook's kind never changes,
 * plugins see frozen snapshots only, and no plugin delays a step for longer than the hook's deadline.
 */
export * from "./builtin/mod.ts";
export { type Adjusted, HookBus } from "./hook_bus.ts";
export * from "./hooks.ts";
export { DEFAULT_HOOK_DIRS, HookDirs } from "./hooks_d/hook_dirs.ts";
export type { PluginStatus } from "./loaded_plugin.ts";
export * from "./plugin.ts";
export type { Infer, Json, Schema } from "./schema.ts";
export type { PluginRows, PluginStorage } from "./storage.ts";
