/**
 * @module
 * Hooks into the life of images and containers. This version calls built-in plugins, in the engine's own process; it
 * loads no foreign code (such plugins will run in processes of their own). Invariants: a hook's kind never changes, a
 * plugin sees frozen snapshots only, and none of them can hold a step up for longer than the hook's deadline.
 */
export { lifecycleLog } from "./builtin/lifecycle_log.ts";
export { HookBus } from "./hook_bus.ts";
export * from "./hooks.ts";
