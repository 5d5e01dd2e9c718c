/**
 * @module
 * Notices kills for lack of memory. The kernel only counts them for each container, so the init process counts as the
 * victim if it died of a SIGKILL that the engine did not send while the count has just increased.
 */
import type { Log } from "../../log.ts";
import type { HookBus } from "../../plugins/mod.ts";
import type { ContainerEvents } from "../events/container_events.ts";
import type { ContainerCgroups } from "../stats/cgroup.ts";
import { type Container, isLive } from "../model/container.ts";
import { containerContext } from "../model/hook_payloads.ts";
import type { ContainerTable } from "../model/container_table.ts";

/** How long after a kill was noticed the init process may be its victim, in ms: its exit arrives later. */
const JUST_NOW_MS = 2000;
/** The kernel notifies before it kills, so the count is read again after these delays, in ms. */
const LOOK_AGAIN_MS = [5, 50, 500];
const SIGKILL = 9;

/** How an init process exited. */
export interface Ending {
  /** The signal that killed it. */
  readonly signal: number | undefined;
  /** Whether the engine has sent it a SIGKILL. */
  readonly byEngine: boolean;
}

export interface OomWatchDeps {
  readonly cgroups: Pick<ContainerCgroups, "oomKills" | "onOom">;
  readonly table: Pick<ContainerTable, "setState">;
  readonly events: ContainerEvents;
  readonly hooks: Pick<HookBus, "callParallel">;
  readonly log: Log;
  /** Returns the Unix time in ms. */
  readonly now?: () => number;
}

interface Watched {
  /** Number of kills that were reported or happened earlier; undefined until it could be read. */
  kills: number | undefined;
  lastMs: number;
  readonly watch: Disposable;
  timer?: ReturnType<typeof setTimeout>;
}

/** Emits the event `oom` for each kill. */
export class OomWatch {
  readonly #deps: OomWatchDeps;
  readonly #watched = new Map<string, Watched>();

  constructor(deps: OomWatchDeps) {
    this.#deps = deps;
  }

  /**
   * Starts to watch a container that was just started or restored. Emits the kills that the previous engine has not
   * reported.
   */
  begin(container: Container): void {
    const { state } = container;
    const kills = isLive(state) && state.oomKills !== undefined ? state.oomKills : this.#kills(container);
    const watch = this.#deps.cgroups.onOom(container.id, () => this.#lookUntilKilled(container));
    this.#watched.set(container.id, { kills, lastMs: -Infinity, watch });
    // The kernel may have killed before this watch began.
    this.#lookUntilKilled(container);
  }

  /**
   * Ends the watch of a container whose init process has exited and whose cgroups still exist. Returns whether the
   * kernel killed it for lack of memory.
   */
  end(container: Container, { signal, byEngine }: Ending): boolean {
    this.#look(container);
    const watched = this.#watched.get(container.id);
    if (watched === undefined) return false;
    this.#watched.delete(container.id);
    clearTimeout(watched.timer);
    watched.watch[Symbol.dispose]();
    return signal === SIGKILL && !byEngine && this.#now() - watched.lastMs < JUST_NOW_MS;
  }

  #lookUntilKilled(container: Container, [nextMs, ...laterMs] = LOOK_AGAIN_MS): void {
    const watched = this.#watched.get(container.id);
    if (watched === undefined || this.#look(container) || nextMs === undefined) return;
    clearTimeout(watched.timer);
    watched.timer = setTimeout(() => this.#lookUntilKilled(container, laterMs), nextMs);
  }

  /** Reads the count. Returns whether the kernel has killed since the last time. */
  #look(container: Container): boolean {
    const watched = this.#watched.get(container.id);
    const kills = this.#kills(container);
    if (watched === undefined || kills === undefined) return false;
    const before = watched.kills ??= kills;
    if (kills <= before) return false;
    watched.kills = kills;
    watched.lastMs = this.#now();
    this.#tell(container, kills);
    this.#deps.hooks.callParallel("container.oom", () => containerContext(container));
    return true;
  }

  /** Emits the events, and stores the count together with them, so that the next engine reports each kill once. */
  #tell(container: Container, oomKills: number): void {
    const { table, events, log } = this.#deps;
    const { state, restarts } = container;
    const telling = events.telling(container, "oom");
    try {
      if (isLive(state)) return table.setState(container, { ...state, oomKills }, restarts, telling);
    } catch (thrown) {
      log.warn("cannot record who was killed for want of memory", { container: container.id, error: String(thrown) });
    }
    telling({ write() {} });
  }

  /**
   * Returns the count, or undefined if it can't be read, for example because too many files are open: neither a task
   * nor its exit may fail for that.
   */
  #kills({ id }: Container): number | undefined {
    try {
      return this.#deps.cgroups.oomKills(id);
    } catch (thrown) {
      this.#deps.log.warn("cannot see who was killed for want of memory", { container: id, error: String(thrown) });
      return undefined;
    }
  }

  #now(): number {
    return (this.#deps.now ?? Date.now)();
  }
}
