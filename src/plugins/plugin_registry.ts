/**
 * @module
 * The registered plugins in the order in which they are called, and the subscribers of each hook.
 */
import { HOOK_NAMES, type HookName, rowOf } from "./hooks.ts";
import type { LoadedPlugin } from "./loaded_plugin.ts";
import { ORDERS } from "./plugin.ts";

/** A plugin's position among those of the same order. Plugins with the same position are in the order of addition. */
interface Registered {
  readonly loaded: LoadedPlugin;
  readonly position: number;
}

/** The registered plugins and the subscribers of each hook. */
export class PluginRegistry {
  readonly #listeners = new Set<(hook: HookName) => void>();
  #all: readonly Registered[] = [];
  #listening = new Map<HookName, readonly LoadedPlugin[]>();

  /** All plugins in the order in which they are called. */
  get all(): readonly LoadedPlugin[] {
    return this.#all.map(({ loaded }) => loaded);
  }

  of(name: string): LoadedPlugin | undefined {
    return this.#all.find(({ loaded }) => loaded.name === name)?.loaded;
  }

  /** Returns the plugins to call at a hook; undefined if there are none. */
  listening(hook: HookName): readonly LoadedPlugin[] | undefined {
    return this.#listening.get(hook);
  }

  /** Returns the plugin itself or its replacement; undefined if it was removed, or the replacement has no such hook. */
  inPlaceOf(loaded: LoadedPlugin, hook: HookName): LoadedPlugin | undefined {
    const now = this.of(loaded.name);
    return now?.plugin.hooks[hook] === undefined ? undefined : now;
  }

  /** Calls `listener` with each hook that gets its first subscriber or loses its last one. */
  onSubscribed(listener: (hook: HookName) => void): void {
    this.#listeners.add(listener);
  }

  /** Replaces the plugin of that name, if there is one, by `loaded` or by nothing. */
  put(name: string, loaded: LoadedPlugin | undefined, position: number): void {
    const others = this.#all.filter((each) => each.loaded.name !== name);
    // A replacement takes the exact position of the old plugin, also among those with the same `position`.
    const at = this.#all.findIndex((each) => each.loaded.name === name);
    const all = loaded === undefined ? others : others.toSpliced(at < 0 ? others.length : at, 0, { loaded, position });
    const byPlace = all.toSorted((a, b) => a.position - b.position);
    this.#all = ORDERS.flatMap((order) => byPlace.filter((each) => (each.loaded.plugin.order ?? "normal") === order));
    this.arrange();
  }

  /** Removes all plugins and returns them. */
  clear(): readonly LoadedPlugin[] {
    const all = this.all;
    this.#all = [];
    this.arrange();
    return all;
  }

  /** Recomputes the subscribers of all hooks. To be called when a plugin was disabled. */
  arrange(): void {
    const before = this.#listening;
    this.#listening = new Map();
    for (const hook of HOOK_NAMES) {
      const listening = this.all.filter((loaded) =>
        loaded.plugin.hooks[hook] !== undefined && (loaded.isEnabled || mustNotFail(hook, loaded))
      );
      if (listening.length > 0) this.#listening.set(hook, listening);
      if (before.has(hook) === this.#listening.has(hook)) continue;
      for (const listener of this.#listeners) listener(hook);
    }
  }
}

/** Whether a step must not go on without this plugin. Never for notifications. */
export function mustNotFail(hook: HookName, { plugin }: LoadedPlugin): boolean {
  const { onFailure } = rowOf(hook);
  return onFailure === "closed" || (onFailure === "open" && plugin.required === true);
}
