/**
 * @module
 * What a plugin is: a plain object with a handler for each hook that it cares about.
 */
import type { Log } from "../log.ts";
import type { HookAnswer, HookContexts, HookName } from "./hooks.ts";
import type { Json, Schema } from "./schema.ts";
import type { PluginStorage } from "./storage.ts";

/** The version of what is described here. */
export const PLUGIN_API_VERSION = 1;

/** Where a plugin stands among the others; inside each, in the order in which they came. */
export const ORDERS = ["pre", "normal", "post"] as const;
export type PluginOrder = typeof ORDERS[number];

/** What a handler has besides the context. */
export interface HookTools {
  /** Aborted at the hook's deadline. */
  readonly signal: AbortSignal;
  /** Goes to the engine's log, under the plugin's name. */
  readonly log: Log;
  /** The plugin's own, kept by the engine. */
  readonly storage: PluginStorage;
  /** From the engine's configuration; it has the shape that the plugin has asked for. */
  readonly config: Json;
}

/** What a plugin does at a hook. */
export type HookHandler<N extends HookName> = (
  context: HookContexts[N],
  tools: HookTools,
) => HookAnswer<N> | Promise<HookAnswer<N>>;

export type PluginHooks = { readonly [N in HookName]?: HookHandler<N> };

/** See the module's comment. */
export interface Plugin {
  /** Small letters, digits, `-`, `_` and `.`. */
  readonly name: string;
  readonly apiVersion: typeof PLUGIN_API_VERSION;
  /** `normal` if left out. */
  readonly order?: PluginOrder;
  /** Steps that it can't be asked about are refused. */
  readonly required?: boolean;
  /** The shape of its configuration; without one it has none. */
  readonly config?: Schema;
  readonly hooks: PluginHooks;
  /** Told of each of its failures. */
  failed?(hook: HookName, why: string): void;
  /** Ends whatever it has going on. Called once, when it is taken away or the engine ends. */
  close?(): Promise<void>;
}

/** What a handler throws when its plugin is used no more, and it was not asked: whoever has its place is asked instead. */
export class PluginUnloaded extends Error {}
