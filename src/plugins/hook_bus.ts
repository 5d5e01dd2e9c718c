/**
 * @module
 * Calls plugins, which come and go while it works. Without any for a hook a call costs one look into a map, and makes no
 * context. What becomes of a step when a plugin fails is in the hook's row and in the plugin's `required`; a refusal
 * always counts.
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
  readonly #registry = new PluginRegistry();
  /** Those of which it was said. */
  readonly #disabled = new WeakSet<LoadedPlugin>();
  /** By plugin, ids of the containers that it was told of when it came. */
  readonly #replayed = new WeakMap<LoadedPlugin, ReadonlySet<string>>();
  #hasStarted = false;

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
    this.#put(name, this.#load(plugin, config), 0);
  }

  /**
   * `plugin` (or nothing) takes the place of the one of that name, if there is one: no step goes unasked in between. Resolves
   * when the other one has ended. @param place where it stands among those of its order; those that were added stand at 0
   * @throws {TsdError} as `add`, at once, and nothing is changed
   */
  replace(name: string, plugin: Plugin | undefined, place = 0): Promise<void> {
    const before = this.#registry.of(name);
    this.#put(name, plugin && this.#load(plugin, undefined), place);
    return before === undefined ? Promise.resolve() : this.#close(before);
  }

  /** It is called no more. Says whether it was there. */
  async remove(name: string): Promise<boolean> {
    const exists = this.has(name);
    await this.replace(name, undefined);
    return exists;
  }

  has(name: string): boolean {
    return this.#registry.of(name) !== undefined;
  }

  /** In the order in which they are called. */
  list(): readonly PluginStatus[] {
    return this.#registry.all.map(({ status }) => status);
  }

  /** Whether anybody listens. */
  isSubscribed(hook: HookName): boolean {
    return this.#registry.listening(hook) !== undefined;
  }

  /** Calls `listener` for each hook that somebody begins or ceases to listen to. */
  onSubscribed(listener: (hook: HookName) => void): void {
    this.#registry.onSubscribed(listener);
  }

  /** The engine knows which containers run: all plugins are told of them, and those that come later are. */
  begin(): void {
    this.#hasStarted = true;
    this.#replay(this.#registry.all);
  }

  /** The first answer of a plugin. @throws {TsdError} permission_denied: a required plugin has failed */
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
   * Asks all plugins in order; the first refusal ends the step.
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
   * Asks all plugins at once what they want changed.
   * @throws {TsdError} conflict, naming two plugins that want different things; permission_denied: a required one has failed
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
   * Asks all plugins in order which things of the context stay; by id, the plugin that was the first to want it. One that
   * fails refuses the step.
   * @throws {TsdError} permission_denied, naming the plugin and its reason
   */
  async callSelective<N extends HooksOfKind<"selective">>(
    hook: N,
    context: Context<N>,
  ): Promise<ReadonlyMap<string, string>> {
    const spared = new Map<string, string>();
    const subscribers = this.#registry.listening(hook);
    if (subscribers === undefined) return spared;
    const snapshot = frozen(context());
    for (const loaded of subscribers) {
      const ids = await this.#call(hook, loaded, snapshot) as readonly string[] | undefined;
      for (const id of ids ?? []) if (!spared.has(id)) spared.set(id, loaded.name);
    }
    return spared;
  }

  /** Tells all plugins; returns at once. */
  callParallel<N extends HooksOfKind<"parallel">>(hook: N, context: Context<N>): void {
    const subscribers = this.#registry.listening(hook);
    if (subscribers === undefined) return;
    const snapshot = frozen(context());
    for (const loaded of subscribers) void this.#call(hook, loaded, snapshot);
  }

  /** Ends all plugins. */
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

  /** As {@link #answer}, of the plugin or of whoever has taken its place by then; of nobody, nothing. */
  async #call(hook: HookName, requested: LoadedPlugin, context: HookContexts[HookName]): Promise<unknown> {
    for (let loaded = this.#registry.inPlaceOf(requested, hook); loaded !== undefined;) {
      try {
        return await this.#answer(hook, loaded, context);
      } catch (thrown) {
        if (!(thrown instanceof PluginUnloaded)) throw thrown;
        const next = this.#registry.inPlaceOf(loaded, hook);
        if (next === loaded) return this.#failed(hook, loaded, thrown);
        // It was told when it came.
        if (next !== undefined && isReplayed(hook, context, this.#replayed.get(next))) return undefined;
        loaded = next;
      }
    }
    return undefined;
  }

  /**
   * An answer of the shape that the hook's row has; undefined too where it has failed and that changes nothing.
   * @throws {TsdError} permission_denied; {PutAway} it is used no more
   */
  async #answer(hook: HookName, loaded: LoadedPlugin, context: HookContexts[HookName]): Promise<unknown> {
    if (!loaded.isEnabled) {
      const why = `it is disabled after ${MAX_FAILURES} failures in a row, the last one at ${loaded.status.lastError}`;
      if (mustNotFail(hook, loaded)) throw cantBeAsked(hook, loaded, why);
      return undefined;
    }
    try {
      return await loaded.call(hook, context);
    } catch (thrown) {
      if (thrown instanceof PluginUnloaded) throw thrown;
      return this.#failed(hook, loaded, thrown as Error);
    }
  }

  /** @throws {TsdError} permission_denied: the step can't be done without it */
  #failed(hook: HookName, loaded: LoadedPlugin, cause: Error): undefined {
    const { message } = cause;
    this.#log.warn("a plugin failed", { plugin: loaded.name, hook, error: message });
    loaded.plugin.failed?.(hook, message);
    if (!loaded.isEnabled && !this.#disabled.has(loaded)) this.#disable(loaded);
    if (mustNotFail(hook, loaded)) throw cantBeAsked(hook, loaded, message, cause);
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

/** A start that a plugin came too late for, and was told of then. */
const isReplayed = (hook: HookName, context: HookContexts[HookName], replayed?: ReadonlySet<string>): boolean =>
  hook === "container.started" && replayed?.has((context as StartedContext).id) === true;

const cantBeAsked = (hook: HookName, { name }: LoadedPlugin, why: string, cause?: Error): TsdError =>
  new TsdError("permission_denied", `Plugin ${name} can't be asked (${hook}): ${why}`, { cause });
