/**
 * @module
 * Which plugins there are, in which order they are called, and who listens to which hook.
 */
import { HOOK_NAMES, type HookName, rowOf } from "./hooks.ts";
import type { LoadedPlugin } from "./loaded_plugin.ts";
import { ORDERS } from "./plugin.ts";

/** Where a plugin stands among those of the same order; those with the same place stand as they came. */
interface Standing {
  readonly loaded: LoadedPlugin;
  readonly place: number;
}

/** See the module's comment. */
export class PluginRegistry {
  readonly #requested = new Set<(hook: HookName) => void>();
  #all: readonly Standing[] = [];
  #listening = new Map<HookName, readonly LoadedPlugin[]>();

  /** In the order in which they are called. */
  get all(): readonly LoadedPlugin[] {
    return this.#all.map(({ loaded }) => loaded);
  }

  of(name: string): LoadedPlugin | undefined {
    return this.#all.find(({ loaded }) => loaded.name === name)?.loaded;
  }

  /** Those that are called at a hook; undefined where nobody is. */
  listening(hook: HookName): readonly LoadedPlugin[] | undefined {
    return this.#listening.get(hook);
  }

  /** The plugin itself, or who has taken its place since; undefined if that has no such hook, or nobody has it. */
  inPlaceOf(loaded: LoadedPlugin, hook: HookName): LoadedPlugin | undefined {
    const now = this.of(loaded.name);
    return now?.plugin.hooks[hook] === undefined ? undefined : now;
  }

  /** Calls `listener` for each hook that somebody begins or ceases to listen to. */
  onSubscribed(listener: (hook: HookName) => void): void {
    this.#requested.add(listener);
  }

  /** `loaded`, or nothing, instead of what has the name. */
  put(name: string, loaded: LoadedPlugin | undefined, place: number): void {
    const others = this.#all.filter((each) => each.loaded.name !== name);
    // Whoever takes somebody's place stands there, also among those that have come at the same one.
    const at = this.#all.findIndex((each) => each.loaded.name === name);
    const all = loaded === undefined ? others : others.toSpliced(at < 0 ? others.length : at, 0, { loaded, place });
    const byPlace = all.toSorted((a, b) => a.place - b.place);
    this.#all = ORDERS.flatMap((order) => byPlace.filter((each) => (each.loaded.plugin.order ?? "normal") === order));
    this.arrange();
  }

  /** Nobody is called any more. Returns those that were. */
  clear(): readonly LoadedPlugin[] {
    const all = this.all;
    this.#all = [];
    this.arrange();
    return all;
  }

  /** By hook, those that are called: to be done anew when one of them is disabled. */
  arrange(): void {
    const before = this.#listening;
    this.#listening = new Map();
    for (const hook of HOOK_NAMES) {
      const listening = this.all.filter((loaded) =>
        loaded.plugin.hooks[hook] !== undefined && (loaded.isEnabled || mustNotFail(hook, loaded))
      );
      if (listening.length > 0) this.#listening.set(hook, listening);
      if (before.has(hook) === this.#listening.has(hook)) continue;
      for (const listener of this.#requested) listener(hook);
    }
  }
}

/** Whether a step can't be done without this plugin's word. Nobody waits for observers. */
export function mustNotFail(hook: HookName, { plugin }: LoadedPlugin): boolean {
  const { onFailure } = rowOf(hook);
  return onFailure === "closed" || (onFailure === "open" && plugin.required === true);
}
