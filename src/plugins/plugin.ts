/**
 * @module
 * The interface of plugins: a plain object with a handler for each hook that it subscribes to.
 */
import type { Log } from "../log.ts";
import type { HookAnswer, HookContexts, HookName } from "./hooks.ts";
import type { Json, Schema } from "./schema.ts";
import type { PluginStorage } from "./storage.ts";

/** Version of this interface. */
export const PLUGIN_API_VERSION = 1;

/** A plugin's position relative to others; within each order, plugins are called in the order of addition. */
export const ORDERS = ["pre", "normal", "post"] as const;
export type PluginOrder = typeof ORDERS[number];

/** What a handler gets besides the context. */
export interface HookTools {
  /** Aborted at the hook's deadline. */
  readonly signal: AbortSignal;
  /** Writes to the engine's log under the plugin's name. */
  readonly log: Log;
  /** The plugin's storage, kept by the engine. */
  readonly storage: PluginStorage;
  /** The plugin's part of the engine's configuration, validated by its schema. */
  readonly config: Json;
}

/** Handles a hook. */
export type HookHandler<N extends HookName> = (
  context: HookContexts[N],
  tools: HookTools,
) => HookAnswer<N> | Promise<HookAnswer<N>>;

export type PluginHooks = { readonly [N in HookName]?: HookHandler<N> };

/** A plugin: a plain object with a handler for each hook that it subscribes to. */
export interface Plugin {
  /** Lower-case letters, digits, `-`, `_` and `.`. */
  readonly name: string;
  readonly apiVersion: typeof PLUGIN_API_VERSION;
  /** `normal` if omitted. */
  readonly order?: PluginOrder;
  /** Whether steps are refused if the plugin can't be called. */
  readonly required?: boolean;
  /** Schema of its configuration; without one it takes none. */
  readonly config?: Schema;
  readonly hooks: PluginHooks;
  /** Called with each of its failures. */
  failed?(hook: HookName, why: string): void;
  /** Releases its resources. Called once, when it is removed or the engine shuts down. */
  close?(): Promise<void>;
}

/** Thrown by a handler if the plugin was unloaded before the call reached it; the bus retries on its replacement. */
export class PluginUnloaded extends Error {}
