/**
 * @module
 * Calls plugins, which come and go while it works. Without any for a hook a call costs one look into a map, and makes no
 * context. What becomes of a step when a plugin fails is in the hook's row and in the plugin's `required`; a refusal
 * always counts.
 */
import { TsdError } from "../errors.ts";
import type { Log } from "../log.ts";
import {
  HOOK_NAMES,
  type HookAnswers,
  type HookContexts,
  type HookName,
  type HooksOfKind,
  rowOf,
  type StartedContext,
} from "./hooks.ts";
import { checkPlugin, LoadedPlugin, MAX_FAILURES, type PluginStatus } from "./loaded_plugin.ts";
import { mergePatches } from "./patches.ts";
import { ORDERS, type Plugin } from "./plugin.ts";
import type { Json } from "./schema.ts";
import { memoryRows, type PluginRows, pluginStorage } from "./storage.ts";
import { check } from "./validate.ts";

export interface HookBusOptions {
  /** Where plugins keep what they keep. */
  readonly rows?: PluginRows;
  /** Containers that run, for plugins that are added meanwhile. */
  readonly present?: () => readonly StartedContext[];
}

type Refusal = HookAnswers[HooksOfKind<"sequential">];

/** Makes a hook's context, for whoever listens. */
type Context<N extends HookName> = () => HookContexts[N];

/** The first answer, and whose it is. */
export interface FirstAnswer<N extends HookName> {
  readonly plugin: string;
  readonly answer: HookAnswers[N];
}

/** Patches of all plugins as one, and whose they are. */
export interface Adjusted<N extends HookName> {
  readonly plugins: readonly string[];
  readonly patch: HookAnswers[N];
}

/** See the module's comment. */
export class HookBus implements AsyncDisposable {
  readonly #baseLog: Log;
  readonly #log: Log;
  readonly #options: Required<HookBusOptions>;
  readonly #wanted = new Set<(hook: HookName) => void>();
  #hasBegun = false;
  #plugins: readonly LoadedPlugin[] = [];
  /** Those of which it was said. */
  readonly #disabled = new WeakSet<LoadedPlugin>();
  #subscribers = new Map<HookName, readonly LoadedPlugin[]>();

  /** @throws {TsdError} as `add` */
  constructor(plugins: readonly Plugin[], log: Log, options: HookBusOptions = {}) {
    this.#baseLog = log;
    this.#log = log.scope("plugins");
    this.#options = { rows: memoryRows(), present: () => [], ...options };
    for (const plugin of plugins) this.add(plugin);
  }

  /**
   * From now on it is called. Once the engine has begun it is told of the containers that run, as if they had just been
   * started.
   * @throws {TsdError} invalid_argument (an unknown hook or version, a configuration of the wrong shape), conflict (its name)
   */
  add(plugin: Plugin, config?: unknown): void {
    const { name } = plugin;
    if (this.has(name)) throw new TsdError("conflict", `There is a plugin ${name} already`);
    this.#put(name, this.#load(plugin, config));
  }

  /**
   * `plugin` (or nothing) takes the place of the one of that name, if there is one: no step goes unasked in between. Resolves
   * when the other one has ended. @throws {TsdError} as `add`, at once, and nothing is changed
   */
  replace(name: string, plugin: Plugin | undefined): Promise<void> {
    const before = this.#plugins.find((each) => each.name === name);
    this.#put(name, plugin && this.#load(plugin, undefined));
    return before === undefined ? Promise.resolve() : this.#close(before);
  }

  /** It is called no more. Says whether it was there. */
  async remove(name: string): Promise<boolean> {
    const isThere = this.has(name);
    await this.replace(name, undefined);
    return isThere;
  }

  has(name: string): boolean {
    return this.#plugins.some((each) => each.name === name);
  }

  /** In the order in which they are called. */
  list(): readonly PluginStatus[] {
    return this.#plugins.map(({ status }) => status);
  }

  /** Whether anybody listens. */
  wants(hook: HookName): boolean {
    return this.#subscribers.has(hook);
  }

  /** Calls `listener` for each hook that somebody begins or ceases to listen to. */
  onWanted(listener: (hook: HookName) => void): void {
    this.#wanted.add(listener);
  }

  /** The engine knows which containers run: all plugins are told of them, and those that come later are. */
  begin(): void {
    this.#hasBegun = true;
    this.#replay(this.#plugins);
  }

  /** The first answer of a plugin. @throws {TsdError} permission_denied: a required plugin has failed */
  async first<N extends HooksOfKind<"first">>(hook: N, context: Context<N>): Promise<FirstAnswer<N> | undefined> {
    const subscribers = this.#subscribers.get(hook);
    if (subscribers === undefined) return undefined;
    const snapshot = frozen(context());
    for (const loaded of subscribers) {
      const answer = await this.#call(hook, loaded, snapshot);
      if (answer !== undefined) return { plugin: loaded.name, answer: answer as HookAnswers[N] };
    }
    return undefined;
  }

  /**
   * Asks all plugins in order; the first refusal ends the step.
   * @throws {TsdError} permission_denied, naming the plugin and its reason
   */
  async ask<N extends HooksOfKind<"sequential">>(hook: N, context: Context<N>): Promise<void> {
    const subscribers = this.#subscribers.get(hook);
    if (subscribers === undefined) return;
    const snapshot = frozen(context());
    for (const loaded of subscribers) {
      const answer = await this.#call(hook, loaded, snapshot) as Refusal | undefined;
      if (answer?.refuse === undefined) continue;
      throw new TsdError("permission_denied", `Plugin ${loaded.name} refused (${hook}): ${answer.refuse}`);
    }
  }

  /**
   * Asks all plugins at once what they want changed.
   * @throws {TsdError} conflict, naming two plugins that want different things; permission_denied: a required one has failed
   */
  async adjust<N extends HooksOfKind<"adjust">>(hook: N, context: Context<N>): Promise<Adjusted<N> | undefined> {
    const subscribers = this.#subscribers.get(hook);
    if (subscribers === undefined) return undefined;
    const snapshot = frozen(context());
    const answers = await Promise.all(
      subscribers.map(async (loaded) => ({
        plugin: loaded.name,
        patch: await this.#call(hook, loaded, snapshot),
      })),
    );
    const patches = answers.filter(({ patch }) => patch !== undefined);
    if (patches.length === 0) return undefined;
    const merged = mergePatches(rowOf(hook).answer!, patches) as HookAnswers[N];
    return { plugins: patches.map(({ plugin }) => plugin), patch: merged };
  }

  /**
   * Asks all plugins in order which things of the context stay; by id, the plugin that was the first to want it. One that
   * fails refuses the step.
   * @throws {TsdError} permission_denied, naming the plugin and its reason
   */
  async spared<N extends HooksOfKind<"selective">>(
    hook: N,
    context: Context<N>,
  ): Promise<ReadonlyMap<string, string>> {
    const spared = new Map<string, string>();
    const subscribers = this.#subscribers.get(hook);
    if (subscribers === undefined) return spared;
    const snapshot = frozen(context());
    for (const loaded of subscribers) {
      const ids = await this.#call(hook, loaded, snapshot) as readonly string[] | undefined;
      for (const id of ids ?? []) if (!spared.has(id)) spared.set(id, loaded.name);
    }
    return spared;
  }

  /** Tells all plugins; returns at once. */
  tell<N extends HooksOfKind<"parallel">>(hook: N, context: Context<N>): void {
    const subscribers = this.#subscribers.get(hook);
    if (subscribers === undefined) return;
    const snapshot = frozen(context());
    for (const loaded of subscribers) void this.#call(hook, loaded, snapshot);
  }

  /** Ends all plugins. */
  async [Symbol.asyncDispose](): Promise<void> {
    const all = this.#plugins;
    this.#plugins = [];
    this.#arrange();
    await Promise.all(all.map((loaded) => this.#close(loaded)));
  }

  #load(plugin: Plugin, config: unknown): LoadedPlugin {
    checkPlugin(plugin, HOOK_NAMES);
    const { name } = plugin;
    const storage = pluginStorage(this.#options.rows, name);
    return new LoadedPlugin(plugin, {
      ...{ log: this.#baseLog.scope(`plugin ${name}`), storage, config: configOf(plugin, config) },
    });
  }

  #put(name: string, loaded: LoadedPlugin | undefined): void {
    const others = this.#plugins.filter((each) => each.name !== name);
    this.#plugins = loaded === undefined ? others : inOrder([...others, loaded]);
    this.#arrange();
    if (loaded !== undefined && this.#hasBegun) this.#replay([loaded]);
  }

  /**
   * An answer of the shape that the hook's row has; undefined too where it has failed and that changes nothing.
   * @throws {TsdError} permission_denied
   */
  async #call(hook: HookName, loaded: LoadedPlugin, context: HookContexts[HookName]): Promise<unknown> {
    const { name } = loaded;
    const isClosed = mayNotFail(hook, loaded);
    if (!loaded.isEnabled) {
      if (!isClosed) return undefined;
      const why = `it is disabled after ${MAX_FAILURES} failures in a row, the last one at ${loaded.status.lastError}`;
      throw new TsdError("permission_denied", `Plugin ${name} can't be asked (${hook}): ${why}`);
    }
    try {
      return await loaded.call(hook, context);
    } catch (cause) {
      const { message } = cause as TsdError;
      this.#log.warn("a plugin failed", { plugin: name, hook, error: message });
      if (!loaded.isEnabled && !this.#disabled.has(loaded)) this.#disable(loaded);
      if (!isClosed) return undefined;
      throw new TsdError("permission_denied", `Plugin ${name} can't be asked (${hook}): ${message}`, { cause });
    }
  }

  #disable(loaded: LoadedPlugin): void {
    const { name, status } = loaded;
    this.#disabled.add(loaded);
    this.#arrange();
    this.#log.error("a plugin is disabled: it has failed too often", { plugin: name, failures: status.failures });
  }

  /** By hook, those that are called. */
  #arrange(): void {
    const before = this.#subscribers;
    this.#subscribers = new Map();
    for (const hook of HOOK_NAMES) {
      const listening = this.#plugins.filter((loaded) =>
        loaded.plugin.hooks[hook] !== undefined && (loaded.isEnabled || mayNotFail(hook, loaded))
      );
      if (listening.length > 0) this.#subscribers.set(hook, listening);
      if (before.has(hook) === this.#subscribers.has(hook)) continue;
      for (const listener of this.#wanted) listener(hook);
    }
  }

  #replay(plugins: readonly LoadedPlugin[]): void {
    const hook = "container.started";
    const listening = plugins.filter(({ plugin, isEnabled }) => isEnabled && plugin.hooks[hook] !== undefined);
    if (listening.length === 0) return;
    for (const context of this.#options.present().map(frozen)) {
      for (const loaded of listening) void this.#call(hook, loaded, context);
    }
  }

  async #close({ name, plugin }: LoadedPlugin): Promise<void> {
    try {
      await plugin.close?.();
    } catch (thrown) {
      this.#log.warn("a plugin did not end as it should", { plugin: name, error: String(thrown) });
    }
  }
}

/** Whether a step can't be done without this plugin's word. Nobody waits for observers. */
function mayNotFail(hook: HookName, { plugin }: LoadedPlugin): boolean {
  const { onFailure } = rowOf(hook);
  return onFailure === "closed" || (onFailure === "open" && plugin.required === true);
}

const inOrder = (plugins: readonly LoadedPlugin[]): readonly LoadedPlugin[] =>
  ORDERS.flatMap((order) => plugins.filter(({ plugin }) => (plugin.order ?? "normal") === order));

function configOf({ name, config: schema }: Plugin, config: unknown): Json {
  if (schema === undefined) {
    if (config === undefined) return null;
    throw new TsdError("invalid_argument", `Plugin ${name} has no configuration, and was given one`);
  }
  if (config === undefined && schema.optional) return null;
  return frozen(check(schema, config, `plugins.${name}`)) as Json;
}

/** A snapshot that nobody can change, and that is nobody else's. */
function frozen<T>(value: T): T {
  return deepFreeze(structuredClone(value));
}

function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null) {
    Object.values(value).forEach(deepFreeze);
    Object.freeze(value);
  }
  return value;
}
