/**
 * @module
 * Dispatches hooks to the plugins, which may be added and removed at any time. A hook without subscribers costs one map
 * lookup and builds no context. The consequence of a plugin's failure is set by the hook's row and the plugin's
 * `required`; a refusal always counts.
 */
import { TsdError } from "../errors.ts";
import type { Log } from "../log.ts";
import { frozen } from "./frozen.ts";
import {
  HOOK_NAMES,
  type HookAnswers,
  type HookContexts,
  type HookName,
  type HooksOfKind,
  rowOf,
  type StartedContext,
} from "./hooks.ts";
import { checkPlugin, configOf, LoadedPlugin, MAX_FAILURES, type PluginStatus } from "./loaded_plugin.ts";
import { mergePatches } from "./patches.ts";
import { type Plugin, PluginUnloaded } from "./plugin.ts";
import { mustNotFail, PluginRegistry } from "./plugin_registry.ts";
import { memoryRows, type PluginRows, pluginStorage } from "./storage.ts";

export interface HookBusOptions {
  /** Storage of the plugins. */
  readonly rows?: PluginRows;
  /** Returns the running containers, to be replayed to plugins that are added later. */
  readonly present?: () => readonly StartedContext[];
}

type Refusal = HookAnswers[HooksOfKind<"sequential">];

/** Builds a hook's context; called only if the hook has subscribers. */
type Context<N extends HookName> = () => HookContexts[N];

/** The first answer, and the plugin that gave it. */
export interface FirstAnswer<N extends HookName> {
  readonly plugin: string;
  readonly answer: HookAnswers[N];
}

/** The merged patches of all plugins, and the plugins that gave them. */
export interface Adjusted<N extends HookName> {
  readonly plugins: readonly string[];
  readonly patch: HookAnswers[N];
}

/**
 * Dispatches hooks to plugins.
 *
 * Its methods are named by the kinds of hooks in the table ({@link HOOK_NAMES}): `callFirst` returns the first answer,
 * `callSequential` lets plugins refuse a step, `callAdjust` merges their patches, `callSelective` collects what to
 * retain, and `callParallel` notifies without waiting. Each takes a function that builds the context.
 *
 * The bus owns its plugins: it closes them when they are removed or replaced, or when it is disposed.
 */
export class HookBus implements AsyncDisposable {
  readonly #baseLog: Log;
  readonly #log: Log;
  readonly #options: Required<HookBusOptions>;
  readonly #registry = new PluginRegistry();
  /** Plugins already reported as disabled. */
  readonly #disabled = new WeakSet<LoadedPlugin>();
  /** By plugin, ids of the containers that were replayed to it. */
  readonly #replayed = new WeakMap<LoadedPlugin, ReadonlySet<string>>();
  #hasStarted = false;

  /** @throws {TsdError} as {@link HookBus.add} */
  constructor(plugins: readonly Plugin[], log: Log, options: HookBusOptions = {}) {
    this.#baseLog = log;
    this.#log = log.scope("plugins");
    this.#options = { rows: memoryRows(), present: () => [], ...options };
    for (const plugin of plugins) this.add(plugin);
  }

  /**
   * Adds a plugin. Once the bus has begun, the running containers are replayed to the plugin as `container.started`.
   * @throws {TsdError} invalid_argument for an unknown hook or version, or an invalid configuration
   * @throws {TsdError} conflict if the name is taken
   */
  add(plugin: Plugin, config?: unknown): void {
    const { name } = plugin;
    if (this.has(name)) throw new TsdError("conflict", `There is a plugin ${name} already`);
    this.#put(name, this.#load(plugin, config), 0);
  }

  /**
   * Replaces the plugin of that name, if there is one, by `plugin` (or nothing) without a gap between the two. Resolves
   * when the old one is closed.
   * @param place position among the plugins of the same order; added plugins have 0
   * @throws {TsdError} as {@link HookBus.add}, synchronously and without any change
   */
  replace(name: string, plugin: Plugin | undefined, place = 0): Promise<void> {
    const before = this.#registry.of(name);
    this.#put(name, plugin && this.#load(plugin, undefined), place);
    return before === undefined ? Promise.resolve() : this.#close(before);
  }

  /** Removes and closes a plugin. Returns whether it existed. */
  async remove(name: string): Promise<boolean> {
    const exists = this.has(name);
    await this.replace(name, undefined);
    return exists;
  }

  has(name: string): boolean {
    return this.#registry.of(name) !== undefined;
  }

  /** Lists the plugins in the order in which they are called. */
  list(): readonly PluginStatus[] {
    return this.#registry.all.map(({ status }) => status);
  }

  /** Whether the hook has subscribers. */
  isSubscribed(hook: HookName): boolean {
    return this.#registry.listening(hook) !== undefined;
  }

  /** Calls `listener` with each hook that gets its first subscriber or loses its last one. */
  onSubscribed(listener: (hook: HookName) => void): void {
    this.#registry.onSubscribed(listener);
  }

  /**
   * Replays the running containers to all plugins, now that the engine knows them, and from now on to plugins that are
   * added.
   */
  begin(): void {
    this.#hasStarted = true;
    this.#replay(this.#registry.all);
  }

  /**
   * Returns the first answer of a plugin.
   * @throws {TsdError} permission_denied if a required plugin failed
   */
  async callFirst<N extends HooksOfKind<"first">>(hook: N, context: Context<N>): Promise<FirstAnswer<N> | undefined> {
    const subscribers = this.#registry.listening(hook);
    if (subscribers === undefined) return undefined;
    const snapshot = frozen(context());
    for (const loaded of subscribers) {
      const answer = await this.#call(hook, loaded, snapshot);
      if (answer !== undefined) return { plugin: loaded.name, answer: answer as HookAnswers[N] };
    }
    return undefined;
  }

  /**
   * Calls all plugins in order until one refuses the step.
   * @throws {TsdError} permission_denied, naming the plugin and its reason
   */
  async callSequential<N extends HooksOfKind<"sequential">>(hook: N, context: Context<N>): Promise<void> {
    const subscribers = this.#registry.listening(hook);
    if (subscribers === undefined) return;
    const snapshot = frozen(context());
    for (const loaded of subscribers) {
      const answer = await this.#call(hook, loaded, snapshot) as Refusal | undefined;
      if (answer?.refuse === undefined) continue;
      throw new TsdError("permission_denied", `Plugin ${loaded.name} refused (${hook}): ${answer.refuse}`);
    }
  }

  /**
   * Calls all plugins at once and merges their patches.
   * @throws {TsdError} conflict, naming two plugins with contradicting patches
   * @throws {TsdError} permission_denied if a required plugin failed
   */
  async callAdjust<N extends HooksOfKind<"adjust">>(hook: N, context: Context<N>): Promise<Adjusted<N> | undefined> {
    const subscribers = this.#registry.listening(hook);
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
   * Calls all plugins in order. Returns the things of the context to retain: ids, each with the first plugin that named
   * it. A plugin that fails refuses the step.
   * @throws {TsdError} permission_denied, naming the plugin and its reason
   */
  async callSelective<N extends HooksOfKind<"selective">>(
    hook: N,
    context: Context<N>,
  ): Promise<ReadonlyMap<string, string>> {
    const retained = new Map<string, string>();
    const subscribers = this.#registry.listening(hook);
    if (subscribers === undefined) return retained;
    const snapshot = frozen(context());
    for (const loaded of subscribers) {
      const ids = await this.#call(hook, loaded, snapshot) as readonly string[] | undefined;
      for (const id of ids ?? []) if (!retained.has(id)) retained.set(id, loaded.name);
    }
    return retained;
  }

  /** Notifies all plugins and returns at once. */
  callParallel<N extends HooksOfKind<"parallel">>(hook: N, context: Context<N>): void {
    const subscribers = this.#registry.listening(hook);
    if (subscribers === undefined) return;
    const snapshot = frozen(context());
    for (const loaded of subscribers) void this.#call(hook, loaded, snapshot);
  }

  /** Closes all plugins. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#registry.clear().map((loaded) => this.#close(loaded)));
  }

  #load(plugin: Plugin, config: unknown): LoadedPlugin {
    checkPlugin(plugin, HOOK_NAMES);
    const { name } = plugin;
    const storage = pluginStorage(this.#options.rows, name);
    return new LoadedPlugin(plugin, {
      ...{ log: this.#baseLog.scope(`plugin ${name}`), storage, config: configOf(plugin, config) },
    });
  }

  #put(name: string, loaded: LoadedPlugin | undefined, place: number): void {
    this.#registry.put(name, loaded, place);
    if (loaded !== undefined && this.#hasStarted) this.#replay([loaded]);
  }

  /**
   * Calls the plugin as {@link #answer}, or the one that has replaced it by then; returns undefined if it was removed.
   */
  async #call(hook: HookName, requested: LoadedPlugin, context: HookContexts[HookName]): Promise<unknown> {
    for (let loaded = this.#registry.inPlaceOf(requested, hook); loaded !== undefined;) {
      try {
        return await this.#answer(hook, loaded, context);
      } catch (thrown) {
        if (!(thrown instanceof PluginUnloaded)) throw thrown;
        const next = this.#registry.inPlaceOf(loaded, hook);
        if (next === loaded) return this.#failed(hook, loaded, thrown);
        // The container was replayed to the replacement when it was added.
        if (next !== undefined && isReplayed(hook, context, this.#replayed.get(next))) return undefined;
        loaded = next;
      }
    }
    return undefined;
  }

  /**
   * Returns the plugin's answer, checked against the hook's row; undefined also if the plugin failed and the step goes
   * on.
   * @throws {TsdError} permission_denied if the plugin failed and the step must not go on without it
   * @throws {PluginUnloaded} if the plugin was unloaded before the call reached it
   */
  async #answer(hook: HookName, loaded: LoadedPlugin, context: HookContexts[HookName]): Promise<unknown> {
    if (!loaded.isEnabled) {
      const why = `it is disabled after ${MAX_FAILURES} failures in a row, the last one at ${loaded.status.lastError}`;
      if (mustNotFail(hook, loaded)) throw cannotBeCalled(hook, loaded, why);
      return undefined;
    }
    try {
      return await loaded.call(hook, context);
    } catch (thrown) {
      if (thrown instanceof PluginUnloaded) throw thrown;
      return this.#failed(hook, loaded, thrown as Error);
    }
  }

  /**
   * Records a failure.
   * @throws {TsdError} permission_denied if the step must not go on without the plugin
   */
  #failed(hook: HookName, loaded: LoadedPlugin, cause: Error): undefined {
    const { message } = cause;
    this.#log.warn("a plugin failed", { plugin: loaded.name, hook, error: message });
    loaded.plugin.failed?.(hook, message);
    if (!loaded.isEnabled && !this.#disabled.has(loaded)) this.#disable(loaded);
    if (mustNotFail(hook, loaded)) throw cannotBeCalled(hook, loaded, message, cause);
    return undefined;
  }

  #disable(loaded: LoadedPlugin): void {
    const { name, status } = loaded;
    this.#disabled.add(loaded);
    this.#registry.arrange();
    this.#log.error("a plugin is disabled: it has failed too often", { plugin: name, failures: status.failures });
  }

  #replay(plugins: readonly LoadedPlugin[]): void {
    const hook = "container.started";
    const listening = plugins.filter(({ plugin, isEnabled }) => isEnabled && plugin.hooks[hook] !== undefined);
    if (listening.length === 0) return;
    const present = this.#options.present().map(frozen);
    for (const loaded of listening) {
      this.#replayed.set(loaded, new Set(present.map(({ id }) => id)));
      for (const context of present) void this.#call(hook, loaded, context);
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

/** Whether this start was already replayed to a plugin when it was added. */
const isReplayed = (hook: HookName, context: HookContexts[HookName], replayed?: ReadonlySet<string>): boolean =>
  hook === "container.started" && replayed?.has((context as StartedContext).id) === true;

const cannotBeCalled = (hook: HookName, { name }: LoadedPlugin, why: string, cause?: Error): TsdError =>
  new TsdError("permission_denied", `Plugin ${name} can't be asked (${hook}): ${why}`, { cause });
