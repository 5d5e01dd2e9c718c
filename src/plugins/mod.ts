/**
 * @module
 * Hooks into the life of images and containers. What is on the bus runs in the engine's own process: built-in plugins, and
 * those that stand for plugins in processes of their own. Invariants: a hook's kind never changes, a plugin sees frozen
 * snapshots only, and none of them can hold a step up for longer than the hook's deadline.
 */
export * from "./builtin/mod.ts";
export { type Adjusted, HookBus } from "./hook_bus.ts";
export * from "./hooks.ts";
export { DEFAULT_HOOK_DIRS, HookDirs } from "./hooks_d/hook_dirs.ts";
export type { PluginStatus } from "./loaded_plugin.ts";
export * from "./plugin.ts";
export type { Infer, Json, Schema } from "./schema.ts";
export type { PluginRows, PluginStorage } from "./storage.ts";
